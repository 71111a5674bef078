/** A notice as `pg` gives it; the parts that libpq prints. */
interface Notice {
  severity: string | undefined;
  message?: string | undefined;
  detail: string | undefined;
  hint: string | undefined;
}

/** How many notices of one login are kept; a login trigger may send any number. */
const MAX_GREETINGS = 16;

/** Collects what a server says at a login. libpq prints it to a tool's stderr, where it is no error. */
export class Greetings {
  readonly lines: string[] = [];

  readonly add = (notice: Notice): void => {
    if (this.lines.length < MAX_GREETINGS) this.lines.push(asLibpqPrints(notice));
  };
}

/** libpq's default form; the labels are its own and follow LC_ALL, severity and text come from the server. */
function asLibpqPrints(notice: Notice): string {
  const { severity, message, detail, hint } = notice;
  return [
    `${severity}:  ${message}`,
    ...(detail ? [`DETAIL:  ${detail}`] : []),
    ...(hint ? [`HINT:  ${hint}`] : []),
    '',
  ].join('\n');
}

/** A tool's stderr without what our own login heard as well, each once; anything else stays. */
export function withoutGreetings(stderr: string, greetings: readonly string[]): string {
  return greetings.reduce((text, greeting) => {
    const at = text.indexOf(greeting);
    return at < 0 ? text : text.slice(0, at) + text.slice(at + greeting.length);
  }, stderr);
}
