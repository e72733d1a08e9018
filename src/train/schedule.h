// Learning rate by step: linear warm-up, then linear or cosine decay to zero, as transformers'
// get_linear_schedule_with_warmup and get_cosine_schedule_with_warmup (optimization.py, 5.x) compute it.
#pragma once

#include "train/train.h"

namespace hone::train {

// ceil(share * steps), as transformers' TrainingArguments.get_warmup_steps.
int warmup_steps(double share, int steps);

// Factor of the peak rate for the update after `done` earlier ones (the first has done = 0, so with a warm-up its rate
// is 0). Warm-up: done / warmup. Linear: (steps - done) / (steps - warmup). Cosine: (1 + cos(pi p)) / 2, p = (done -
// warmup) / (steps - warmup). Never below 0.
double rate_factor(Decay decay, int done, int warmup, int steps);

}  // namespace hone::train
