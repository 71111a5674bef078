const HERE = 'http://here.invalid';

/**
 * Whether a text is a path of our own, with or without query and fragment: browsers take `//host`, and the same with a
 * backslash, a tab or a line break in it, for another host's address. It is read as they read it (URL Standard).
 */
export function isOwnPath(text: string): boolean {
  const url = text.startsWith('/') ? URL.parse(text, HERE) : null;
  return url?.origin === HERE && !url.pathname.startsWith('//');
}
