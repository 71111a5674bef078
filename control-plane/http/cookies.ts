/** Takes cookies out of a request whose names end like this, whatever is put before them behind TLS. */
export function withoutCookies(headers: Headers, endings: readonly string[]): void {
  const pairs = (headers.get('cookie') ?? '').split(';').map((pair) => pair.trim());
  const kept = pairs.filter((pair) => !endings.some((ending) => nameOf(pair).endsWith(ending)));
  if (kept.join('') === '') headers.delete('cookie');
  else headers.set('cookie', kept.join('; '));
}

/** Takes what would end the browser’s session out of an answer. */
export function keepSession(headers: Headers): void {
  const cookies = headers.getSetCookie();
  headers.delete('set-cookie');
  for (const cookie of cookies) {
    if (!/session_(token|data)$/.test(nameOf(cookie))) headers.append('set-cookie', cookie);
  }
}

function nameOf(pair: string): string {
  return pair.split('=')[0] ?? '';
}
