/** Lines that begin anew: of the tool, or a part of the server’s message. A value may run over several lines. */
const BEGINS = /^(?:pg_\w+: |[A-Z]+: {2}|Command was: )/;
/** Where it went wrong in the data. libpq’s labels are English, since the tools run so; the rest may be in any language. */
const IN_DATA = /^CONTEXT: {2}.*\bCOPY\b/m;

/**
 * A tool’s output without the values of rows that the server quotes: what is kept of it is read by people who may
 * see no data. Names of tables, columns and constraints stay, and the number of the line.
 */
export function withholdRows(stderr: string): string {
  const inData = IN_DATA.test(stderr);
  let cut = false;
  return stderr
    .split('\n')
    .flatMap((line) => {
      if (cut && !BEGINS.test(line)) return [];
      const shown = withheld(line, inData);
      cut = shown !== line;
      return [shown];
    })
    .join('\n');
}

function withheld(line: string, inData: boolean): string {
  if (line.startsWith('DETAIL:  ')) {
    // “Key (id)=(1) already exists.”, “Failing row contains (1, x).”
    const shown = /^.*?\)=\(/.exec(line)?.[0] ?? /^.*?\(/.exec(line)?.[0];
    return shown === undefined ? (inData ? quotesCut(line) : line) : `${shown}…)`;
  }
  // “COPY people, line 1, column name: "x"”
  if (line.startsWith('CONTEXT:  ')) return line.replace(/^(CONTEXT: {2}.*?\d[^:：]*)[:：].*$/, '$1: …');
  // “ERROR:  invalid input syntax for type integer: "x"”
  return inData && BEGINS.test(line) ? line.replace(/: ["»„«“「].*$/, ': …') : line;
}

function quotesCut(line: string): string {
  return line.replace(/["»„«“「].*$/, '…');
}
