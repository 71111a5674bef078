import { connect, type Socket } from 'node:net';
import type { Endpoint, Greeting } from '../driver.ts';
import { type Flavour, parseVersion } from './flavour.ts';

/** No greeting is longer. */
const MAX_GREETING = 1024;
/** How often a server may ask on before it is left without a goodbye. */
const MAX_ANSWERS = 4;
/** An account that no server has: its login is refused, which ends the conversation in good form. */
const NOBODY = 'homeport-discovery';

/**
 * Whether a server of this product answers at `endpoint`, by the greeting it sends to whoever connects.
 *
 * One who leaves after the greeting is counted by the server (host_cache: COUNT_HANDSHAKE_ERRORS), and after
 * max_connect_errors of those, 100 by default, it refuses every login from that host. One whose login is refused is
 * not. So this logs in as nobody, without a password, and takes the refusal: it leaves one line in the server's log
 * where the server logs refused logins.
 */
export async function identify(
  endpoint: Endpoint,
  flavour: Flavour,
  signal: AbortSignal,
): Promise<Greeting | undefined> {
  const socket = connect(endpoint);
  const onAbort = () => socket.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const packets = readPackets(socket);
    const first = await packets.next();
    const greeting = first.done ? undefined : parseGreeting(first.value.body);
    if (!greeting) return undefined;
    if (greeting.wantsLogin) await beRefused(socket, packets);
    return greeting.flavour === flavour ? { version: greeting.version } : undefined;
  } catch {
    return undefined; // whatever keeps a server from being met, there is none to offer
  } finally {
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

interface Packet {
  sequence: number;
  body: Buffer;
}

async function* readPackets(socket: Socket): AsyncGenerator<Packet, undefined> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 4) {
      const length = bytes.readUIntLE(0, 3);
      if (length > MAX_GREETING) return undefined; // another protocol
      if (bytes.length < 4 + length) break;
      yield { sequence: bytes[3] ?? 0, body: bytes.subarray(4, 4 + length) };
      bytes = bytes.subarray(4 + length);
    }
  }
  return undefined;
}

/** What a first packet says; `undefined` where it is not of this protocol. */
function parseGreeting(body: Buffer) {
  if (body[0] === 0xff) return refusal(body);
  if (body[0] !== 10) return undefined;
  const end = body.indexOf(0, 1);
  // After the version: thread id, scramble and its terminator, flags.
  if (end < 0 || body.length < end + 1 + 4 + 8 + 1 + 2 || body[end + 13] !== 0) return undefined;
  const met = parseVersion(body.toString('latin1', 1, end));
  return met && { flavour: met.flavour, version: met.version, wantsLogin: true };
}

/** Servers that take nobody from this host, or nobody now, greet with an error; its text names the product. */
function refusal(body: Buffer) {
  const number = body.length > 2 ? body.readUInt16LE(1) : 0;
  const known = [1040, 1129, 1130, 1203].includes(number);
  if (!known) return undefined;
  const flavour: Flavour = /mariadb/i.test(body.toString('latin1', 3)) ? 'mariadb' : 'mysql';
  return { flavour, version: null, wantsLogin: false };
}

const [OK, SWITCH] = [0x00, 0xfe];

async function beRefused(socket: Socket, packets: AsyncGenerator<Packet, undefined>): Promise<void> {
  socket.write(packet(1, loginOfNobody()));
  for (let answers = 0; answers < MAX_ANSWERS; answers += 1) {
    const next = await packets.next();
    if (next.done) return;
    const { sequence, body } = next.value;
    if (body[0] === OK) {
      socket.end(packet(0, Buffer.from([1]))); // somebody lets everybody in: COM_QUIT
      return;
    }
    if (body[0] !== SWITCH) return;
    socket.write(packet(sequence + 1, Buffer.alloc(0))); // no password by that method either
  }
}

function packet(sequence: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUIntLE(body.length, 0, 3);
  head[3] = sequence;
  return Buffer.concat([head, body]);
}

function loginOfNobody(): Buffer {
  const [LONG_PASSWORD, PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH] = [1, 512, 0x8000, 0x80000];
  const head = Buffer.alloc(32);
  head.writeUInt32LE(LONG_PASSWORD | PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH, 0);
  head.writeUInt32LE(MAX_GREETING, 4);
  head[8] = 45; // utf8mb4
  return Buffer.concat([head, Buffer.from(`${NOBODY}\0\0mysql_native_password\0`)]);
}
