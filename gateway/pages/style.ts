/** The style of every page: no images but those of the page itself, no fonts to fetch, light and dark, from a phone upwards. */
import { createHash } from 'node:crypto'

/** Written into each page; the policy of the page allows exactly this text. */
export const STYLE = `
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#fff;--line:#d0d7de;--wash:#f6f8fa;
--accent:#0b57d0;--on-accent:#fff;--good:#1a6b34;--warn:#8a4b00;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#a8b3bf;--paper:#0d1117;--line:#3d444d;
--wash:#161b22;--accent:#8ab4f8;--on-accent:#0d1117;--good:#7ee2a0;--warn:#ffb95c;--bad:#ff9d94}}
*{box-sizing:border-box}
body{margin:0;background:var(--wash);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{max-width:34rem;margin:0 auto;padding:1.5rem 1rem 3rem}
.card{background:var(--paper);border:1px solid var(--line);border-radius:.75rem;padding:1.25rem}
h1{font-size:1.35rem;line-height:1.3;margin:0 0 .75rem;overflow-wrap:anywhere}
h2{font-size:1rem;margin:1.25rem 0 .4rem}
p,ul,dl{margin:.5rem 0}ul{padding-left:1.25rem}dd{margin:0 0 .5rem;overflow-wrap:anywhere}
dt,.soft{color:var(--soft);font-size:.9rem}
code,pre{font-size:.95em;overflow-wrap:anywhere}
pre{background:var(--wash);border:1px solid var(--line);border-radius:.4rem;padding:.6rem;margin:.5rem 0;
white-space:pre-wrap;max-height:24rem;overflow:auto}
.code{font-size:1.75rem;letter-spacing:.1em;text-align:center}
label{display:block;margin:.75rem 0 .25rem;font-weight:600}
input[type=text],input[type=password],select{width:100%;padding:.6rem;font:inherit;color:inherit;
background:var(--paper);border:1px solid var(--soft);border-radius:.4rem}
.check{display:flex;gap:.6rem;align-items:flex-start;font-weight:400}
.check input{margin-top:.35rem}
.note{border-left:.25rem solid var(--line);padding:.25rem .75rem;margin:.75rem 0}
.note.warn{border-color:var(--warn)}.note.bad{border-color:var(--bad)}.note.good{border-color:var(--good)}
.warn strong{color:var(--warn)}.bad strong{color:var(--bad)}
fieldset{border:1px solid var(--line);border-radius:.4rem;margin:1rem 0 .5rem}
details{margin:.5rem 0}summary{cursor:pointer}
.icon{width:1.15em;height:1.15em;vertical-align:-.2em;fill:none;stroke:currentColor;stroke-width:2;
stroke-linecap:round;stroke-linejoin:round;flex:none}
.logo{width:2.5rem;height:2.5rem;object-fit:contain;border-radius:.4rem;background:#fff;flex:none}
.named{display:flex;align-items:center;gap:.6rem}
.iconic{display:flex;gap:.5rem}.iconic .icon{margin-top:.2em}
.flow{list-style:none;padding:0;display:flex;flex-direction:column;gap:1.25rem}
.flow li{position:relative;flex:1 1 0;min-width:0;display:flex;align-items:center;gap:.15rem .6rem;
padding:.5rem .6rem;background:var(--wash);border:1px solid var(--line);border-radius:.5rem;
overflow-wrap:anywhere;line-height:1.3}
.flow .icon{width:1.6rem;height:1.6rem;color:var(--accent)}.flow .logo{width:1.6rem;height:1.6rem}
.flow span{color:var(--soft);font-size:.85rem;margin-left:auto;text-align:right}
.flow li+li::before{content:"↓"/"";position:absolute;top:-1.25rem;left:.9rem;line-height:1.25rem;
color:var(--soft);font-weight:700}
@media (min-width:30rem){.flow{flex-direction:row;gap:1.5rem}.flow li{flex-direction:column;text-align:center}
.flow span{margin:0;text-align:center}.flow li+li::before{content:"→"/"";top:50%;left:-1.25rem;
margin-top:-.65rem}}
section+section{border-top:1px solid var(--line);margin-top:1.25rem}
.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.25rem 0 .75rem}
.ways{flex-direction:column;margin-bottom:1.5rem}.ways .button{flex:none}
button,.button{display:flex;align-items:center;justify-content:center;flex:1 1 8rem;padding:.65rem .75rem;font:inherit;font-weight:600;text-align:center;
border:1px solid var(--accent);border-radius:.4rem;background:var(--paper);color:var(--accent);
text-decoration:none;cursor:pointer}
button.main{background:var(--accent);color:var(--on-accent)}
a{color:var(--accent)}
:focus-visible{outline:.2rem solid var(--accent);outline-offset:.15rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4rem .5rem .4rem 0;
vertical-align:top;border-top:1px solid var(--line);overflow-wrap:anywhere}
`

/** The source expression of a Content-Security-Policy that allows `STYLE` and no other style. */
export const STYLE_SOURCE = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`
