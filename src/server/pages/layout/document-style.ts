/** The look of pages to read; its colors are those of the playground. */
export const documentStyle = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f6f6f8, #101014);
  --card: light-dark(#ffffff, #18181e);
  --raised: light-dark(#f1f1f5, #22222a);
  --line: light-dark(#dcdce4, #33333f);
  --ink: light-dark(#17171c, #f0f0f5);
  --soft: light-dark(#5a5a68, #a7a7b5);
  --accent: light-dark(#4338ca, #a5b4fc);
  font: 16px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
*, *::before, *::after { box-sizing: border-box; }
html { scroll-padding-top: 16px; }
body { margin: 0; background: var(--ground); color: var(--ink); }
a { color: var(--accent); }
a:focus-visible, input:focus-visible, button:focus-visible, pre:focus-visible, .scroller:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 8px; top: 8px; background: var(--card); padding: 4px 8px; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 20px; padding: 12px clamp(16px, 3vw, 32px); background: var(--card); border-bottom: 1px solid var(--line); }
.brand { font-weight: 700; font-size: 1.05rem; color: inherit; text-decoration: none; }
header nav { display: flex; gap: 16px; font-size: 0.95rem; }
header form { margin-left: auto; flex: 0 1 280px; min-width: 200px; }
input[type=search] { width: 100%; padding: 6px 12px; font: inherit; font-size: 0.95rem; color: inherit; background: var(--ground); border: 1px solid var(--soft); border-radius: 9px; }
.columns { display: grid; grid-template-columns: minmax(0, 1fr); max-width: 1200px; margin: 0 auto; padding: 20px clamp(16px, 3vw, 32px) 48px; gap: 32px; }
@media (min-width: 960px) {
  .columns:has(> .contents) { grid-template-columns: 230px minmax(0, 1fr); }
  .contents { position: sticky; top: 16px; align-self: start; max-height: calc(100vh - 32px); overflow: auto; }
}
.contents { font-size: 0.9rem; }
.contents ul { list-style: none; margin: 0; padding: 0; }
.contents ul ul { padding-left: 14px; }
.contents li { margin: 5px 0; overflow-wrap: anywhere; }
main { min-width: 0; outline: none; }
h1 { font-size: 1.8rem; line-height: 1.25; margin: 0 0 12px; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 40px 0 10px; padding-top: 8px; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 28px 0 6px; overflow-wrap: anywhere; }
h4 { font-size: 1rem; margin: 20px 0 4px; }
p, ul, ol, blockquote, table, pre { margin: 0 0 14px; }
main p, main li, blockquote { max-width: 76ch; }
.anchor { margin-left: 8px; text-decoration: none; opacity: 0; }
:hover > .anchor, .anchor:focus { opacity: 1; }
code, pre { font: 0.88em/1.55 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
code { background: var(--raised); border-radius: 5px; padding: 1px 5px; overflow-wrap: anywhere; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 9px; padding: 12px 14px; overflow-x: auto; }
pre code { background: none; padding: 0; font-size: 1em; overflow-wrap: normal; }
blockquote { border-left: 3px solid var(--line); padding-left: 16px; color: var(--soft); }
img { max-width: 100%; height: auto; border-radius: 9px; }
.scroller { overflow-x: auto; margin-bottom: 14px; }
table { border-collapse: collapse; font-size: 0.93rem; margin: 0; }
th, td { border: 1px solid var(--line); padding: 6px 10px; text-align: left; vertical-align: top; }
th { background: var(--raised); }
.facts { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 0 0 6px; font-size: 0.93rem; color: var(--soft); }
.facts b { color: var(--ink); font-weight: 600; }
.inner { border-left: 2px solid var(--line); padding-left: 18px; margin: 0 0 14px; }
.program { position: relative; }
button { font: inherit; font-size: 0.85rem; color: var(--accent); background: var(--card); border: 1px solid var(--line); border-radius: 7px; padding: 3px 10px; cursor: pointer; }
.program button { position: absolute; top: 8px; right: 8px; }
td code { overflow-wrap: normal; }
footer { padding: 20px; text-align: center; color: var(--soft); font-size: 0.9rem; }
[hidden] { display: none; }
`;
