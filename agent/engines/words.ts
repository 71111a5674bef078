/** Longest SQL that is offered for pasting, in characters. */
const MAX_PASTE = 8000;

/** Statements for pasting, one per line; where they are too many, as many as fit and a word about the rest. */
export function pasteable(statements: readonly string[]): string {
  let text = '';
  for (const [index, statement] of statements.entries()) {
    if (text.length + statement.length > MAX_PASTE) {
      return `${text}-- and ${statements.length - index} more: run the preflight again after these`;
    }
    text += `${statement}\n`;
  }
  return text.trimEnd();
}

/** How many names a message lists before it only counts. */
const LISTED = 5;

/** The first few names, and how many more there are. */
export function listed(names: readonly string[]): string {
  const shown = names
    .slice(0, LISTED)
    .map((name) => `“${name}”`)
    .join(', ');
  return names.length > LISTED ? `${shown} and ${names.length - LISTED} more` : shown;
}
