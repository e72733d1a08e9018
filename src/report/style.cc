#include "report/html.h"

namespace hone::report {

std::string_view style_sheet() {
  return R"css(
:root {
  color-scheme: light dark;
  --paper: #faf9f6; --card: #ffffff; --ink: #1c2130; --soft: #5d6575; --faint: #8b92a0; --line: #e3e0d8;
  --tuned: #2b59c3; --untuned: #b8620a; --other: #8b92a0; --band: #e9e6dd; --good: #1b7a4b; --bad: #b42318; --warn: #96690a;
  --hero: #1c2748; --hero-ink: #f6f7fb; --hero-soft: #b9c2dc;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12141a; --card: #1a1d25; --ink: #e7e9ee; --soft: #a4abb9; --faint: #7b8393; --line: #2d313c;
    --tuned: #86a8ff; --untuned: #f0a04b; --other: #7b8393; --band: #262a34; --good: #5bc48f; --bad: #ff8a80; --warn: #e3b341;
    --hero: #1d2744; --hero-ink: #f2f4fa; --hero-soft: #aab4d0;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100%;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif;
}
main, .top { max-width: 62rem; margin: 0 auto; padding: 0 1.25rem; }
.top { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .25rem 1rem; align-items: baseline;
  padding-top: 1.6rem; padding-bottom: 1rem; color: var(--soft); font-size: .875rem; }
.top h1 { margin: 0; font-size: 1.05rem; font-weight: 650; color: var(--ink); overflow-wrap: anywhere; }
.hero { background: var(--hero); color: var(--hero-ink); border-radius: 14px; padding: 1.9rem 2rem 1.6rem; }
.hero .eyebrow { color: var(--hero-soft); }
.eyebrow { margin: 0 0 .35rem; font-size: .75rem; letter-spacing: .09em; text-transform: uppercase; color: var(--soft);
  font-weight: 600; }
.verdict { margin: 0; font-size: clamp(1.7rem, 4.6vw, 2.5rem); line-height: 1.14; letter-spacing: -.018em; font-weight: 680;
  text-wrap: balance; }
.verdict::first-letter { text-transform: uppercase; }
.headline { margin: .7rem 0 0; font-size: 1.08rem; max-width: 46rem; color: var(--hero-ink); text-wrap: pretty; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.4rem, 1fr)); gap: 1px; margin-top: 1.5rem;
  border-top: 1px solid rgb(255 255 255 / .16); padding-top: 1.1rem; column-gap: 1.5rem; row-gap: 1rem; }
.tile b { display: block; font-size: 1.55rem; line-height: 1.2; font-weight: 640; font-variant-numeric: tabular-nums; }
.tile b small { font-size: .95rem; font-weight: 500; color: var(--hero-soft); }
.tile span { display: block; font-size: .84rem; line-height: 1.4; color: var(--hero-soft); }
section { margin: 2.6rem 0 0; }
h2 { margin: 0 0 .2rem; font-size: 1.3rem; letter-spacing: -.01em; font-weight: 660; }
h3 { margin: 1.5rem 0 .5rem; font-size: .98rem; font-weight: 640; }
.lead { margin: 0 0 1rem; color: var(--soft); max-width: 46rem; text-wrap: pretty; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.1rem 1.25rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1rem; }
.pair > .card > h3:first-child, .card > h3:first-child { margin-top: 0; }
ul.plain { margin: 0; padding: 0; list-style: none; }
ul.plain li { padding: .5rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
ul.plain li:first-child { border-top: 0; padding-top: 0; }
dl.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 13rem), 1fr)); gap: .8rem 1.5rem;
  margin: 1.1rem 0 0; font-size: .9rem; }
dl.facts dt { color: var(--soft); font-size: .8rem; } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
.plot-row { display: grid; grid-template-columns: minmax(8rem, 15rem) 1fr 9.8rem; column-gap: 1rem;
  align-items: center; border-top: 1px solid var(--line); }
.plot-row.first { border-top: 0; }
.plot-row .plot { position: relative; align-self: stretch; } .plot-row .plot svg { position: absolute; inset: 0; height: 100%; }
.plot-row .name, .plot-row .value { padding: .36rem 0; }
.plot-row.axis { border-top: 0; }
.plot-row .name { font-weight: 560; line-height: 1.3; overflow-wrap: anywhere; }
.plot-row .name small { display: block; color: var(--soft); font-weight: 400; font-size: .8rem; }
.plot-row .value { text-align: right; font-variant-numeric: tabular-nums; font-weight: 600; white-space: nowrap; }
.plot-row .value small { color: var(--soft); font-weight: 400; font-size: .8rem; }
svg { display: block; overflow: visible; width: 100%; }
svg text { fill: var(--faint); font-size: 11.5px; font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); stroke-width: 1; } .zero { stroke: var(--faint); stroke-width: 1.2; }
.target { stroke: var(--good); stroke-width: 1.4; stroke-dasharray: 4 3; } .margin-band { fill: var(--band); }
.range { stroke-width: 3; stroke-linecap: round; opacity: .42; } .dot { stroke: var(--card); stroke-width: 1.5; }
.tuned > .range, .s-tuned { stroke: var(--tuned); } .untuned > .range, .s-untuned { stroke: var(--untuned); }
.other > .range, .s-other { stroke: var(--other); }
.tuned > .dot, .f-tuned { fill: var(--tuned); } .untuned > .dot, .f-untuned { fill: var(--untuned); }
.other > .dot, .f-other { fill: var(--other); }
.plot-row.tuned .name { color: var(--tuned); } .plot-row.untuned .name { color: var(--untuned); }
.line { fill: none; stroke-width: 2.2; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.line.raw { stroke-width: 1; opacity: .3; }
.line.dashed { stroke-dasharray: 5 4; }
.chart { display: grid; grid-template-columns: 3rem 1fr; grid-template-rows: 11rem 1.4rem; column-gap: .5rem; }
.chart .y, .chart .x { position: relative; font-size: .72rem; color: var(--faint); font-variant-numeric: tabular-nums; }
.chart .y span { position: absolute; right: 0; transform: translateY(50%); }
.chart .x { grid-column: 2; } .chart .x span { position: absolute; top: .3rem; transform: translateX(-50%); white-space: nowrap; }
.chart svg { height: 11rem; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: .3rem 0 .7rem; font-size: .83rem; color: var(--soft); }
.legend i { display: inline-block; width: .8rem; height: .8rem; border-radius: 50%; margin-right: .4rem; vertical-align: -.08em;
  background: var(--swatch); }
.legend i.bar { border-radius: 1px; height: 3px; vertical-align: .25em; width: 1.1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .38rem .55rem; border-top: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 560; color: var(--soft); } thead th { border-top: 0; }
th:first-child, td:first-child { text-align: left; padding-left: 0; white-space: normal; min-width: 8rem; overflow-wrap: anywhere; }
td:last-child, th:last-child { padding-right: 0; }
table.heat { width: auto; } table.heat td { text-align: center; min-width: 3.6rem; padding: .6rem .7rem; border: 2px solid var(--card);
  border-radius: 6px; background: color-mix(in srgb, var(--shade) calc(var(--n) * 78%), var(--band)); print-color-adjust: exact;
  -webkit-print-color-adjust: exact; }
table.heat td b { display: block; font-weight: 640; } table.heat td small { font-size: .76rem; opacity: .85; }
table.heat td.strong { color: #fff; } table.heat th { border: 0; } table.heat thead th { text-align: center; padding-bottom: .3rem; }
table.heat tbody th { text-align: right; padding-right: .7rem; white-space: normal; }
@media (prefers-color-scheme: dark) { table.heat td.strong { color: #0e1220; } }
details { margin-top: .8rem; } summary { cursor: pointer; color: var(--soft); font-size: .9rem; padding: .25rem 0; }
summary:hover { color: var(--ink); } details > *:not(summary) { margin-top: .6rem; }
.chip { display: inline-block; border-radius: 999px; padding: .05rem .6rem; font-size: .76rem; font-weight: 600;
  border: 1px solid currentcolor; white-space: nowrap; }
.chip.error { color: var(--bad); } .chip.warning { color: var(--warn); } .chip.note, .chip.open { color: var(--soft); }
.chip.yes { color: var(--good); }
.finding { border-left: 3px solid var(--edge); padding: .1rem 0 .1rem 1rem; margin: 1rem 0; }
.finding.error { --edge: var(--bad); } .finding.warning { --edge: var(--warn); } .finding.note { --edge: var(--line); }
.finding p { margin: .25rem 0; overflow-wrap: anywhere; }
pre { margin: .45rem 0 0; padding: .6rem .8rem; border-radius: 8px; background: var(--band); overflow-x: auto; font-size: .85rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
footer { margin: 3rem 0 2.5rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--faint); font-size: .84rem; }
@media (max-width: 44rem) {
  .hero { padding: 1.4rem 1.2rem 1.2rem; border-radius: 12px; }
  .plot-row { grid-template-columns: 1fr max-content; } .plot-row .name, .plot-row .value { padding: .5rem 0 .1rem; }
  .plot-row .plot { grid-column: 1 / -1; grid-row: 2; margin-bottom: .4rem; }
  .plot-row.axis .name, .plot-row.axis .value { display: none; }
  .card { padding: .95rem 1rem; }
}
@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --faint: #666; --line: #ccc; --tuned: #1f49a8; --untuned: #9a4f00;
    --other: #777; --band: #eee; --hero: #fff; --hero-ink: #000; --hero-soft: #444; }
  body { font-size: 11pt; } .hero { border: 1.5pt solid #000; } .tiles { border-color: #ccc; }
  section, .card, .finding, .plot-row, figure { break-inside: avoid; } section.long { break-inside: auto; }
  details::details-content { content-visibility: visible; block-size: auto; } summary { list-style: none; }
}
)css";
}

}  // namespace hone::report
