import { LOOKS } from '../browser/looks.ts';

/** A page that shows all pictures in its folder side by side: a row for each page, a column for each look. */
export function contactSheet(names: readonly string[]): string {
  const row = (name: string) =>
    `<h2>${name}</h2>\n<div>${LOOKS.map(({ name: look }) => {
      const file = `${name}-${look}.png`;
      return `<a href="${file}"><img src="${file}" alt="${name}, ${look}" loading="lazy"></a>`;
    }).join('')}</div>`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Homeport: every page</title>
<style>
  body { font: 14px system-ui; margin: 2rem; background: #777; color: #fff }
  div { display: flex; gap: 1rem; align-items: flex-start; overflow-x: auto }
  img { height: 420px; box-shadow: 0 2px 12px #0006 }
</style>
${names.map(row).join('\n')}
</html>
`;
}
