/**
 * Where something new begins: of the tool, or a part of the server’s message by libpq’s labels, which are English since
 * the tools run so; the rest may be in any language. A value may run over several lines.
 */
const BEGINS =
  /^(?=pg_\w+: |(?:ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|LOG|DEBUG|DETAIL|HINT|QUERY|CONTEXT|LOCATION): {2}|Command was: )/m;
/** It went wrong in the data. What a function of the row’s table was at stands before in the context. */
const IN_DATA = /^(?:CONTEXT: {2}.*\b)?COPY .*\d/m;
/** Of a context: its first line that gives a place in the data, “COPY people, line 1, column name: "x"”, and all after. */
const PLACE = /((?:^CONTEXT: {2}|\n)[^\n]*?\d[^:：\n]*)[:：][\s\S]*$/;

/**
 * A tool’s output without the values of rows that the server quotes: what is kept of it is read by people who may
 * see no data. Names of tables, columns and constraints stay, and the number of the line.
 */
export function withholdRows(stderr: string): string {
  const inData = IN_DATA.test(stderr);
  let open = false;
  return stderr
    .split(BEGINS)
    .map((part) => {
      // A value that looks like a label has torn the detail apart.
      if (open && !/^(?:CONTEXT: {2}|pg_\w+: )/.test(part)) return '';
      open = inData && part.startsWith('DETAIL:  ') && part.includes('(') && !part.includes(')');
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
    return inData ? part.replace(/["»„«“「(][\s\S]*$/, '…') : part;
  }
  if (part.startsWith('CONTEXT:  ')) return part.replace(PLACE, '$1: …');
  // “ERROR:  invalid input syntax for type integer: "x"”
  return inData ? part.replace(/: ["»„«“「][\s\S]*$/, ': …') : part;
}
