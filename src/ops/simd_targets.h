// Instruction sets that the Highway kernels are built for: AVX-512, AVX2 and plain scalar code on x86 (SSE4 machines
// run the scalar code), the compiler's baseline elsewhere. Include before hwy/foreach_target.h.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
