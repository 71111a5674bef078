const HERE = 'http://here.invalid';

/**
 * Whether a text is a path of our own, with or without query and fragment: browsers take `//host`, and the same with a
 * backslash in it, for another host's address. It is read as they read it (URL Standard), and has no control characters,
 * which they would leave out.
 */
export function isOwnPath(text: string): boolean {
  const url = /^\/\P{Cc}*$/u.test(text) ? URL.parse(text, HERE) : null;
  return url?.origin === HERE && !url.pathname.startsWith('//');
}
