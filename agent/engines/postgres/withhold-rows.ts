/** Where something new begins: of the tool, or a part of the server’s message. A value may run over several lines. */
const BEGINS = /^(?=pg_\w+: |[A-Z]+: {2}|Command was: )/m;
/** It went wrong in the data. libpq’s labels are English, since the tools run so; the rest may be in any language. */
const IN_DATA = /^CONTEXT: {2}.*\bCOPY\b/m;

/**
 * A tool’s output without the values of rows that the server quotes: what is kept of it is read by people who may
 * see no data. Names of tables, columns and constraints stay, and the number of the line.
 */
export function withholdRows(stderr: string): string {
  const inData = IN_DATA.test(stderr);
  return stderr
    .split(BEGINS)
    .map((part) => {
      const text = part.replace(/\n$/, '');
      return withheld(text, inData) + part.slice(text.length);
    })
    .join('');
}

function withheld(part: string, inData: boolean): string {
  if (part.startsWith('DETAIL:  ')) {
    // “Key (id)=(1) already exists.”, “Failing row contains (1, x).”: a value ends at the last bracket or before.
    const [, before, after] = /^(.*?\)=\(|.*?\()[\s\S]*(\)[\s\S]*)$/.exec(part) ?? [];
    if (before !== undefined) return `${before}…${after}`;
    return inData ? part.replace(/["»„«“「][\s\S]*$/, '…') : part;
  }
  // “COPY people, line 1, column name: "x"”
  if (part.startsWith('CONTEXT:  '))
    return part.replace(/^(CONTEXT: {2}.*?\d[^:：\n]*)[:：][\s\S]*$/, '$1: …');
  // “ERROR:  invalid input syntax for type integer: "x"”
  return inData ? part.replace(/: ["»„«“「][\s\S]*$/, ': …') : part;
}
