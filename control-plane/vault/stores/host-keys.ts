import { createHash } from 'node:crypto';

const KEY =
  /(?:^|\s)((?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521)))\s+(AAAA[A-Za-z0-9+/]+={0,2})(?=\s|$)/;

/** A public key of an SSH server: `ssh-ed25519` and base64. */
export interface HostKey {
  algorithm: string;
  key: string;
}

/**
 * The keys in lines as `ssh-keyscan`, `known_hosts` and the server’s own `ssh_host_*_key.pub` have them; host names and
 * comments count for nothing. `undefined` where a line holds none, or there is no line.
 */
export function parseHostKeys(text: string): HostKey[] | undefined {
  const keys = new Map<string, HostKey>();
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, algorithm, key] = KEY.exec(line) ?? [];
    if (algorithm === undefined || key === undefined || !belongs(algorithm, key)) return undefined;
    keys.set(key, { algorithm, key });
  }
  return keys.size > 0 ? [...keys.values()] : undefined;
}

/** Lines of a `known_hosts` file. */
export function knownHosts({ host, port }: { host: string; port: number }, keys: readonly HostKey[]): string {
  const bracketed = port !== 22 ? `[${host}]:${port}` : host.includes(':') ? `[${host}]` : host;
  return keys.map(({ algorithm, key }) => `${bracketed} ${algorithm} ${key}\n`).join('');
}

/** As `ssh-keygen -l` shows it. */
export function hostKeyFingerprint({ algorithm, key }: HostKey): string {
  const hash = createHash('sha256').update(Buffer.from(key, 'base64')).digest('base64').replace(/=+$/, '');
  return `${algorithm} SHA256:${hash}`;
}

/** What a client may agree on with a server, so that it shows one of these keys. */
export function signatureAlgorithms(keys: readonly HostKey[]): string[] {
  const all = keys.flatMap(({ algorithm }) =>
    algorithm === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [algorithm],
  );
  return [...new Set(all)];
}

/** A key names its own algorithm; one that was cut short by pasting does not come this far. */
function belongs(algorithm: string, key: string): boolean {
  const bytes = Buffer.from(key, 'base64');
  const length = bytes.length < 4 ? 0 : bytes.readUInt32BE(0);
  if (bytes.subarray(4, 4 + length).toString('latin1') !== algorithm) return false;
  let at = 0;
  while (at + 4 <= bytes.length) at += 4 + bytes.readUInt32BE(at);
  return at === bytes.length;
}
