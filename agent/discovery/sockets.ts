import { endianness } from 'node:os';

/** A TCP socket that listens on this host, out of `/proc/net/tcp` or `tcp6`. */
export interface ListeningPort {
  address: string;
  port: number;
  /** By which the process that holds it is found. */
  inode: number;
}

/** A unix socket that listens on this host, out of `/proc/net/unix`. */
export interface ListeningPath {
  path: string;
  inode: number;
}

const LISTEN = '0A';
/** Flag of a unix socket that takes connections, and the type of a stream. */
const [ACCEPTS, STREAM] = ['00010000', '0001'];

/** The listening sockets in the text of `/proc/net/tcp` or `/proc/net/tcp6`. */
export function parseTcp(text: string): ListeningPort[] {
  return text.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    const [hex = '', port = ''] = local.split(':');
    if (state !== LISTEN || !/^([0-9A-F]{8}|[0-9A-F]{32})$/i.test(hex)) return [];
    return [{ address: addressOf(hex), port: Number.parseInt(port, 16), inode: Number(inode) }];
  });
}

/** The listening stream sockets with a path in the text of `/proc/net/unix`; abstract ones have none. */
export function parseUnix(text: string): ListeningPath[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\S+ \S+ \S+ (\S+) (\S+) \S+ +(\d+) (\/.*)$/.exec(line);
    if (!match || match[1] !== ACCEPTS || match[2] !== STREAM) return [];
    return [{ path: match[4] ?? '', inode: Number(match[3]) }];
  });
}

/** The kernel prints words of 32 bits in the machine's own order. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  if (endianness() === 'LE') bytes.swap32();
  if (bytes.length === 4) return bytes.join('.');
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes.readUInt16BE(10) === 0xffff;
  if (mapped) return bytes.subarray(12).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  // The URL parser writes it as people do, with the longest run of zeros left out.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
