/** Labels as people type them: with blanks or commas between. */
export function labelsIn(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter(Boolean))];
}
