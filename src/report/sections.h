// The sections of the HTML page, each empty where there is nothing to show.
#pragma once

#include <string>

#include "report/plots.h"
#include "report/report.h"

namespace hone::report {

Role role_of(const ReportInput& input, const eval::ContenderResult& contender);

std::string contenders_section(const ReportInput& input);   // metric with interval, all figures one level down
std::string differences_section(const ReportInput& input);  // paired comparisons
std::string mistakes_section(const ReportInput& input);     // confusion of the leaders
std::string sources_section(const ReportInput& input);      // by family, known and unseen apart
std::string training_section(const ReportInput& input);     // loss and metric curves
std::string speed_section(const ReportInput& input);        // latency and cost
std::string findings_section(const ReportInput& input);
std::string commands_section(const ReportInput& input);

}  // namespace hone::report
