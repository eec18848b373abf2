"""Style of the report: light or dark as the reader's system is, and readable on a phone."""

STYLE = """
:root { color-scheme: light dark; --paper: #fbfaf8; --card: #ffffff; --ink: #1d2126; --soft: #5a636d; --rule: #dcdad5;
  --link: #0b62b5; --good: #1d7a46; --weak: #8f5a00; --bad: #b3261e; --light: 35%; --own: #c2410c; }
@media (prefers-color-scheme: dark) { :root { --paper: #15171a; --card: #1e2125; --ink: #e6e8ea; --soft: #a2abb4;
  --rule: #363b41; --link: #7fbcff; --good: #67cf93; --weak: #f0b65a; --bad: #ff8d84; --light: 64%; --own: #ff9a62; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
header, main, footer { max-width: 70rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1.5rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .8rem; padding-bottom: .3rem; border-bottom: 1px solid var(--rule); }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .5rem; overflow-wrap: anywhere; }
p { max-width: 48rem; margin: .5rem 0; }
.soft, footer, figcaption, caption, dt { color: var(--soft); }
footer { padding-block: 2rem; font-size: .85rem; }
a { color: var(--link); }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; padding: 0; margin: 1rem 0 0; }
img, video { display: block; max-width: 100%; height: auto; border-radius: 4px; background: #101214; }
video { width: 100%; max-height: 75vh; }
figure { margin: 0 0 1rem; }
figcaption { font-size: .9rem; margin-bottom: .3rem; }
img + figcaption, video + figcaption { margin: .3rem 0 0; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); gap: 1rem 1.5rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem 1.5rem; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 6px; padding: 1rem; min-width: 0; }
.card > :first-child, .card > h3:first-child { margin-top: 0; }
.facts { margin: 0 0 1rem; }
.facts div { display: flex; gap: .8rem; padding: .15rem 0; }
dt { flex: 0 0 6.5rem; }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.pair + figure, .card + p { margin-top: 1rem; }
.wide { overflow-x: auto; margin: .5rem 0 1rem; }
table { border-collapse: collapse; font-size: .9rem; }
caption { text-align: left; padding-bottom: .3rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid var(--rule);
  font-variant-numeric: tabular-nums; font-weight: normal; }
td:nth-child(4) { min-width: 14rem; }
thead th, .changed { font-weight: 600; }
code, pre { font: .88em/1.5 ui-monospace, monospace; }
pre { background: var(--card); border: 1px solid var(--rule); border-radius: 6px; padding: .7rem 1rem;
  overflow-x: auto; }
details { margin: .6rem 0; }
summary { cursor: pointer; color: var(--link); }
details > :nth-child(2) { margin-top: .6rem; }
.findings { list-style: none; padding: 0; }
.findings li { border-left: 4px solid var(--rule); padding: .1rem 0 .1rem .8rem; margin: .7rem 0; max-width: 52rem; }
.findings .good { border-color: var(--good); } .findings .weak { border-color: var(--weak); }
.findings .bad { border-color: var(--bad); }
.good b { color: var(--good); } .weak b { color: var(--weak); } .bad b { color: var(--bad); }
.plot svg { display: block; width: 100%; max-width: 32rem; height: auto; overflow: visible; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; } svg .own { fill: var(--own); font-weight: 600; }
.line { fill: none; stroke: hsl(var(--h) 75% var(--light)); stroke-width: 1.5; stroke-linejoin: round; }
.line:not([style]) { stroke: var(--soft); } .dashed { stroke-dasharray: 4 3; }
.dot { fill: hsl(var(--h) 75% var(--light)); } .dot:not([style]) { fill: var(--soft); }
.tick { stroke: var(--rule); stroke-width: 1; } .strip { fill: none; stroke: var(--rule); }
.spot { fill: var(--paper); stroke: var(--soft); stroke-width: 2; } circle.own { fill: var(--own); stroke: var(--own); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .1rem .9rem; padding: 0; margin: .3rem 0 0;
  font-size: .8rem; color: var(--soft); }
.legend li { display: flex; align-items: center; gap: .35rem; } .legend svg { width: 22px; }
"""
