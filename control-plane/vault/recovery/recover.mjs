#!/usr/bin/env node
/*
 * recover.mjs: gets backups out of a Homeport vault with its files, its recovery kit and Node ≥ 22.15. It needs no
 * Homeport, no network and no package. It reads the vault only, and writes nothing but the file you name.
 *
 *   node recover.mjs --kit kit.txt list
 *   node recover.mjs --kit kit.txt get SNAPSHOT --out shop.dump                  as its own tool dumped it
 *   node recover.mjs --kit kit.txt get SNAPSHOT --out shop.dump --all-streams    with shop.dump.<stream> beside it
 *   node recover.mjs --kit kit.txt get SNAPSHOT --stdout | …
 *
 * SNAPSHOT is an id that `list` shows, or the start of one. `--vault DIR` says where the vault is; without it, it is
 * the folder this file lies in. Exit code: 0 done, 1 refused, 2 wrong usage.
 *
 * Whom does it trust? The kit, and nobody else: whoever kept the vault's files may have changed them.
 *   The kit's signing key proves the certificate of the agent that made a snapshot, the agent's key proves the
 *   manifest, its hashes prove the keys, which the kit's identity opens. Those prove the catalog and each chunk,
 *   before one byte of it is written. The catalog's hash proves the whole, before its file gets its name.
 * The steps have the numbers of “Reading a snapshot” in docs/vault-format.md, the spec of all this.
 */
import {
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  verify,
} from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import zlib from 'node:zlib';

/** By engine: the stream that is its dump, and how its own tool takes that back. Filled in for each vault. */
const ENGINES = {};

/** Nothing honest is larger, in bytes: a damaged length must not fill the memory. */
const MAX = { small: 64 << 10, catalog: 64 << 20, manifest: 512 << 20, pack: 32 << 20, chunk: 1 << 20 };
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** An error whose message is for people; any other is a defect of this file and shows its stack. */
class Refusal extends Error {}
function refuse(message) {
  throw new Refusal(message);
}
function need(condition, message) {
  if (!condition) refuse(message);
}
/** Runs `work`; what it throws becomes a refusal that begins with `what`. */
function doing(what, work) {
  try {
    return work();
  } catch (error) {
    return refuse(`${what}: ${error.message}`);
  }
}
/** A vault's text, file names among it, on its way to a terminal, which would obey control characters. */
const plain = (text) => String(text).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
const say = (text) => process.stderr.write(`${text.split('\n').map(plain).join('\n')}\n`);
const sha256 = (...parts) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');

function readWhole(path, limit) {
  const stat = fs.statSync(path);
  need(stat.isFile(), 'it is no file'); // a pipe would be waited for
  need(stat.size <= limit, 'it is far too large for what it should be');
  return fs.readFileSync(path);
}

/** Parses JSON, unless it was made to fill the memory, as `[[],[],…]` does in a few KB of zstd. */
function parse(json, bytesPerValue) {
  const openers = new Set(Buffer.from('[{,'));
  let values = 0;
  for (let at = 0; at < json.length; at += 1) if (openers.has(json[at])) values += 1;
  need(values <= 100_000 + json.length / bytesPerValue, 'it has far more values than its length warrants');
  return JSON.parse(json);
}

// ── The recovery kit: `name: value` lines, whatever stands between them ──────────────────────────────────────────

const KIT = ['recovery-kit', 'vault', 'vault-id', 'control-plane', 'made', 'signing-key', 'identity'];

function readKit(path) {
  const lines = doing('The kit cannot be read', () => fs.readFileSync(path, 'utf8')).split(/\r\n?|\n/);
  const kit = {};
  for (const line of lines) {
    const [, name, value] = /^\s*([a-z-]+):\s+(.*\S)\s*$/.exec(line) ?? [];
    if (!KIT.includes(name) && name !== 'checksum') continue;
    need(!(name in kit), `The kit has two lines “${name}:”. Use one kit, whole.`);
    kit[name] = value;
  }
  need('recovery-kit' in kit, `${path} is not a Homeport recovery kit: it has no line “recovery-kit: 1”.`);
  need(kit['recovery-kit'] === '1', 'This kit is of a newer Homeport: use the recover.mjs of its vault.');
  for (const name of [...KIT, 'checksum'])
    need(name in kit, `The kit is not whole: it has no line “${name}:”.`);
  const secret = bech32(kit.identity, 'age-secret-key-');
  need(
    secret?.length === 32,
    'The line “identity:” of the kit is mistyped, or it was broken: it is one line. Compare it with the original.',
  );
  const sum = sha256(...KIT.map((name) => `${name}: ${kit[name]}\n`)).slice(0, 16);
  const typed = kit.checksum.replaceAll(/[- ]/g, '').toLowerCase();
  need(
    sum === typed,
    'A line of the kit is mistyped: the checksum is another one. Compare it with the original.',
  );
  const signingKey = ed25519(kit['signing-key']);
  return { name: kit.vault, vaultId: kit['vault-id'], signingKey, identity: x25519Private(secret) };
}

/** The bytes in a bech32 text (BIP 173, without its limit of length), or undefined where it is mistyped. */
function bech32(text, prefix) {
  const data = text.toLowerCase().slice(prefix.length + 1);
  const values = [...data].map((letter) => 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'.indexOf(letter));
  if (text.toLowerCase() !== `${prefix}1${data}` || values.includes(-1)) return undefined;
  const codes = [...prefix].map((letter) => letter.charCodeAt(0));
  let sum = 1;
  for (const value of [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31), ...values]) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    const words = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
    for (const [bit, word] of words.entries()) if ((top >> bit) & 1) sum ^= word;
  }
  if (sum !== 1) return undefined;
  const fives = values.slice(0, -6).map((value) => value.toString(2).padStart(5, '0'));
  const eights = fives.join('').match(/.{8}/g) ?? [];
  return Buffer.from(eights.map((bits) => Number.parseInt(bits, 2)));
}

// ── Keys and sealed bytes ────────────────────────────────────────────────────────────────────────────────────────

const publicKey = (crv, x) => createPublicKey({ key: { kty: 'OKP', crv, x }, format: 'jwk' });
const ed25519 = (raw) => doing('The vault has a signing key that is none', () => publicKey('Ed25519', raw));

function x25519Private(raw) {
  const pkcs8 = Buffer.from('302e020100300506032b656e04220420', 'hex'); // what DER puts before the 32 bytes
  return createPrivateKey({ key: Buffer.concat([pkcs8, raw]), format: 'der', type: 'pkcs8' });
}

const hkdf = (secret, salt, info) => Buffer.from(hkdfSync('sha256', secret, salt, info, 32));

/** Authenticates and decrypts; throws where one bit is wrong. The last 16 bytes are the tag. */
function decrypt(cipher, key, { nonce, bytes, extra }) {
  const decipher = createDecipheriv(cipher, key, nonce, { authTagLength: 16 });
  if (extra) decipher.setAAD(extra);
  decipher.setAuthTag(bytes.subarray(-16));
  const plaintext = decipher.update(bytes.subarray(0, -16));
  decipher.final();
  return plaintext;
}

/** Opens an age file (age-encryption.org/v1) with an X25519 identity. */
function openAge(file, identity) {
  const headerEnd = file.indexOf('\n--- ') + 4;
  const payloadAt = file.indexOf('\n', headerEnd) + 1;
  const lines = file.toString('latin1', 0, payloadAt).split('\n');
  need(lines[0] === 'age-encryption.org/v1' && headerEnd >= 4, 'it is not an age file');
  const fileKey = openStanza(lines, identity) ?? refuse('it is not for this kit');
  const mac = createHmac('sha256', hkdf(fileKey, '', 'header'))
    .update(file.subarray(0, headerEnd))
    .digest();
  need(mac.equals(Buffer.from(lines.at(-2).slice(4), 'base64')), 'its header was changed');
  const key = hkdf(fileKey, file.subarray(payloadAt, payloadAt + 16), 'payload');
  // A row of sealed pieces of 64 KiB: the nonce counts them and marks the last.
  const pieces = [];
  for (let at = payloadAt + 16, last = false; !last; at += 65552) {
    last = at + 65552 >= file.length;
    const nonce = Buffer.alloc(12);
    nonce.writeUIntBE(pieces.length, 5, 6);
    nonce[11] = last ? 1 : 0;
    pieces.push(decrypt('chacha20-poly1305', key, { nonce, bytes: file.subarray(at, at + 65552) }));
  }
  return Buffer.concat(pieces);
}

/** Each stanza of the header wraps the same file key for one recipient: ours is the one that opens. */
function openStanza(lines, identity) {
  const own = Buffer.from(createPublicKey(identity).export({ format: 'jwk' }).x, 'base64url');
  for (const [i, line] of lines.entries()) {
    if (!line.startsWith('-> X25519 ')) continue;
    try {
      const share = Buffer.from(line.slice(10), 'base64');
      const their = publicKey('X25519', share.toString('base64url'));
      const shared = diffieHellman({ privateKey: identity, publicKey: their });
      const key = hkdf(shared, Buffer.concat([share, own]), 'age-encryption.org/v1/X25519');
      const bytes = Buffer.from(lines[i + 1], 'base64');
      return decrypt('chacha20-poly1305', key, { nonce: Buffer.alloc(12), bytes });
    } catch {} // for another recipient
  }
  return undefined;
}

/** Sealed bytes: key id (16) ‖ nonce (12) ‖ AES-256-GCM(codec (1) ‖ payload) ‖ tag (16), bound to key id ‖ `subject`. */
function unseal(dataKeys, subject, { sealed, limit }) {
  const key =
    dataKeys.get(sealed.toString('hex', 0, 16)) ?? refuse('it is sealed with a key that is not listed');
  const extra = Buffer.concat([sealed.subarray(0, 16), subject]);
  const inner = decrypt('aes-256-gcm', key, {
    nonce: sealed.subarray(16, 28),
    bytes: sealed.subarray(28),
    extra,
  });
  if (inner[0] === 0) return inner.subarray(1);
  need(inner[0] === 1, 'it is coded in a way that this recover.mjs does not know');
  return zlib.zstdDecompressSync(inner.subarray(1), { maxOutputLength: limit });
}

// ── Statements and manifests: signed is the exact text inside the JSON ───────────────────────────────────────────

function isSigned(kind, { text, signature }, key) {
  const bytes = Buffer.from(`homeport/1 ${kind}\0${text}`);
  return verify(null, bytes, key, Buffer.from(String(signature), 'base64url'));
}

/** A signed statement, not proved yet. */
function readStatement(path) {
  return doing(`${path} cannot be read`, () => {
    const { statement, signature } = JSON.parse(readWhole(path, MAX.small));
    return { ...JSON.parse(statement), proof: { text: statement, signature } };
  });
}

/** Tells at once that kit and vault do not belong together. All else that is needed is proved without this file. */
function requireVault(vault, kit) {
  need(
    fs.existsSync(join(vault, 'snapshots')),
    `${vault} has no snapshots. Say where the vault is with --vault DIR.`,
  );
  let statement;
  try {
    statement = readStatement(join(vault, 'vault.json'));
  } catch (error) {
    return say(`Note: ${error.message}. It goes without.`);
  }
  const { proof, vaultId } = statement;
  const names = `the kit is for ${kit.vaultId} (“${plain(kit.name)}”), these files are of ${plain(vaultId)}`;
  need(vaultId === kit.vaultId, `This kit is of another vault: ${names}.`);
  if (!isSigned('vault', proof, kit.signingKey))
    say('Note: vault.json is forged or damaged. It goes without.');
}

/** The manifest files with the snapshot id in their names. What they say is proved by {@link openManifest}. */
function manifestFiles(vault) {
  const files = fs.readdirSync(join(vault, 'snapshots'), { recursive: true }).map((name) => {
    const id = /-([0-9a-f]{8}-[0-9a-f-]{27})\.json\.zst$/.exec(name)?.[1];
    return { id, path: join(vault, 'snapshots', name) };
  });
  return files.filter(({ id }) => UUID.test(id));
}

/** Steps 2 and 3: the vault certifies the agent, the agent signed the manifest. */
function openManifest({ vault, kit }, { id, path }) {
  const [manifest, proof] = doing(`The manifest ${path} is damaged`, () => {
    const bytes = zlib.zstdDecompressSync(readWhole(path, MAX.manifest), { maxOutputLength: MAX.manifest });
    const { manifest: text, signature } = parse(bytes, 16);
    return [parse(Buffer.from(text), 16) ?? refuse('it is empty'), { text, signature }];
  });
  need(UUID.test(manifest.agentId), `The manifest ${path} names no agent.`);
  const certificatePath = join(vault, 'agents', `${manifest.agentId}.json`);
  const certificate = readStatement(certificatePath);
  const certified = isSigned('agent-certificate', certificate.proof, kit.signingKey);
  need(
    certified,
    `${certificatePath} is not signed by the vault of this kit: forged, damaged, or of another vault.`,
  );
  const right = certificate.vaultId === kit.vaultId && certificate.agentId === manifest.agentId;
  need(right, `${certificatePath} certifies another agent than its name says.`);
  const signed = isSigned('manifest', proof, ed25519(certificate.identityKey));
  need(signed, `The manifest ${path} is not signed by the agent that it names: it is forged or damaged.`);
  doing(`The manifest ${path} cannot be used`, () => {
    need(manifest.format === 1, 'it is of a newer Homeport: use the recover.mjs of its vault');
    const wanted = manifest.vaultId === kit.vaultId && manifest.snapshotId === id;
    need(wanted, 'it describes another snapshot than its name says: somebody swapped files');
    for (const { chunks, length, name } of manifest.streams) {
      const sum = chunks.reduce((bytes, [, chunkLength]) => bytes + chunkLength, 0);
      need(sum === length, `the chunks of stream ${plain(name)} do not add up`);
    }
    // These become names of files: even a certified agent may not lead out of the folder.
    const names = manifest.streams.every(({ name }) => /^[a-z0-9-]{1,64}$/.test(name));
    const keys = [manifest.idKey, ...manifest.dataKeys].every((key) => /^[0-9a-f]{32}$/.test(key.id));
    need(names && keys, 'it names a stream or a key as none can be named');
  });
  return manifest;
}

// ── Steps 4 to 7: keys, catalog, places, chunks ──────────────────────────────────────────────────────────────────

/** Steps 4 to 6: all that can be proved before a chunk is read. */
function openSnapshot({ vault, kit }, manifest) {
  const keyOf = (kind) => (key) => [
    key.id,
    openKey(join(vault, 'keys', `${key.id}.age`), kit, { kind, hash: key.hash }),
  ];
  const dataKeys = new Map(manifest.dataKeys.map(keyOf('data')));
  const chunkIdKey = hkdf(keyOf('id')(manifest.idKey)[1], '', 'homeport/1 chunk-id');
  const sealed = Buffer.from(manifest.catalog, 'base64');
  const subject = Buffer.from(`homeport/1 catalog\0${manifest.snapshotId}`);
  need(
    sealed.toString('hex', 0, 16) === manifest.catalogKey,
    'The catalog is sealed with another key than it should.',
  );
  const text = doing('The catalog does not open', () =>
    unseal(dataKeys, subject, { sealed, limit: MAX.catalog }),
  );
  const hashes = new Map(Object.entries(parse(text, 8).streamHashes));
  for (const { name } of manifest.streams)
    need(hashes.has(name), `The catalog has no hash for stream ${name}.`);
  const places = findChunks(vault, manifest);
  return { manifest, dataKeys, chunkIdKey, places, hashes };
}

/** Step 4: it is the right key only if its hash is the one that the manifest gives. */
function openKey(path, kit, { kind, hash }) {
  const { secret } = doing(`The key ${path} does not open`, () =>
    JSON.parse(openAge(readWhole(path, MAX.small), kit.identity)),
  );
  const bytes = Buffer.from(String(secret), 'base64url');
  const right = sha256(`homeport/1 ${kind}-key\0`, bytes) === hash;
  need(right, `The key ${path} is not the one that the snapshot was made with: somebody replaced it.`);
  return bytes;
}

/** Step 6: where copies of the chunks lie, from the trailers of the packs. These are hints, and prove nothing. */
function findChunks(vault, { server, streams }) {
  const places = new Map(streams.flatMap(({ chunks }) => chunks.map(([id]) => [id, []])));
  const packs = doing('The packs cannot be listed', () =>
    fs.readdirSync(join(vault, 'packs'), { recursive: true }),
  );
  for (const name of packs) {
    if (!/[0-9a-f]{64}$/.test(name)) continue;
    const path = join(vault, 'packs', name);
    try {
      for (const { id, ...place } of readTrailer(path, server.id)) places.get(id)?.push(place);
    } catch (error) {
      say(`The pack ${path} is damaged: ${error.message}.`);
    }
  }
  const missing = [...places.values()].filter((copies) => copies.length === 0).length;
  const hint =
    'Bring back packs that are missing or damaged from a copy of the vault, or get another snapshot.';
  need(
    missing === 0,
    `${missing} of the ${places.size} chunks of the snapshot are in no readable pack. ${hint}`,
  );
  return places;
}

/** chunk ‖ … ‖ entry (60) ‖ … ‖ server id (16) ‖ number of entries (4) ‖ “HPPACKIX” */
function readTrailer(path, serverId) {
  const { size } = fs.statSync(path);
  const footer = readRange(path, size - 28, 28);
  need(footer.toString('latin1', 20) === 'HPPACKIX' && size <= MAX.pack, 'it does not end as a pack does');
  if (footer.toString('hex', 0, 16) !== serverId.replaceAll('-', '')) return [];
  const count = footer.readUInt32BE(16);
  const end = size - 28 - count * 60;
  const trailer = readRange(path, end, count * 60);
  let next = 8;
  const entries = Array.from({ length: count }, (_, i) => {
    const entry = trailer.subarray(i * 60, (i + 1) * 60);
    const [offset, length] = [entry.readUInt32BE(48), entry.readUInt32BE(52)];
    need(offset === next, 'its chunks do not follow each other');
    next += length;
    return { id: entry.toString('hex', 0, 32), path, offset, length };
  });
  need(next === end, 'its chunks do not fill it');
  return entries;
}

/** The pack that was read last stays open: chunks of a dump mostly follow each other. */
let opened = { path: '', fd: -1 };
function readRange(path, offset, length) {
  need(offset >= 0, 'it is shorter than it should be');
  if (opened.path !== path) {
    if (opened.fd >= 0) fs.closeSync(opened.fd);
    opened = { path: '', fd: -1 };
    opened = { path, fd: fs.openSync(path, 'r') };
  }
  const bytes = Buffer.alloc(length);
  need(fs.readSync(opened.fd, bytes, 0, length, offset) === length, 'it is shorter than it should be');
  return bytes;
}

/** Step 7: a chunk's bytes, once their HMAC proves that they are what its id names. Any good copy will do. */
function readChunk({ chunkIdKey, dataKeys, places }, id, length) {
  const reasons = [];
  for (const place of places.get(id)) {
    try {
      need(
        place.length >= 45 && place.length <= MAX.chunk + 45 && length <= MAX.chunk,
        'its length cannot be',
      );
      const sealed = readRange(place.path, place.offset, place.length);
      const plaintext = unseal(dataKeys, Buffer.from(id, 'hex'), { sealed, limit: length });
      const proof = createHmac('sha256', chunkIdKey).update(plaintext).digest('hex');
      need(plaintext.length === length && proof === id, 'it is another chunk than it should be');
      return plaintext;
    } catch (error) {
      reasons.push(`The pack ${place.path} is damaged at byte ${place.offset}: ${error.message}.`);
    }
  }
  return refuse(`${reasons.join('\n')}\nBring it back from a copy of the vault, or get another snapshot.`);
}

// ── The commands ─────────────────────────────────────────────────────────────────────────────────────────────────

function list(at) {
  const lines = new Map(); // by snapshot, and no more of it: a large database's manifest takes hundreds of MB
  for (const file of manifestFiles(at.vault)) {
    try {
      const { database, sequence, server, snapshotId, startedAt, streams } = openManifest(at, file);
      const bytes = streams.reduce((sum, { length }) => sum + length, 0);
      const name = `${server.name}/${database.name} #${sequence}`;
      lines.set(snapshotId, {
        place: [server.name, database.name, startedAt].join('\0'),
        text: `${snapshotId}  ${startedAt}  ${name}  ${server.engine} ${server.version}  ${bytes} bytes`,
      });
    } catch (error) {
      // Whatever is wrong with one must not hide the others.
      say(`Left out: ${error instanceof Refusal ? '' : `${file.path}: `}${error.message}`);
      process.exitCode = 1;
    }
  }
  for (const { text } of [...lines.values()].sort((a, b) => (a.place < b.place ? -1 : 1)))
    console.log(plain(text));
  if (lines.size === 0) say('This vault has no snapshot that can be trusted.');
}

async function get(at, wanted, { all, out }) {
  const files = manifestFiles(at.vault).filter(({ id }) => id.startsWith(wanted.toLowerCase()));
  const { size } = new Set(files.map(({ id }) => id));
  need(size > 0, `There is no snapshot ${plain(wanted)}: see what \`list\` shows.`);
  need(size === 1, `${size} snapshots begin with “${plain(wanted)}”: type more of its id.`);
  const snapshot = openSnapshot(at, openAny(at, files));
  const { server, streams } = snapshot.manifest;
  const { restoreCommand, stream } = new Map(Object.entries(ENGINES)).get(server.engine) ?? {
    stream: 'dump',
  };
  const main = streams.find(({ name }) => name === stream) ?? streams[0];
  const others = streams.filter((one) => all && one !== main);
  if (out !== undefined)
    for (const path of [out, ...others.map(({ name }) => `${out}.${name}`)]) needNew(path);
  need(
    out !== undefined || !process.stdout.isTTY,
    'A dump is not for a terminal: add | and the tool it is for.',
  );
  if (out === undefined) await writeStream(snapshot, main, toStdout);
  else await toFile(out, (write) => writeStream(snapshot, main, write));
  for (const one of others) await toFile(`${out}.${one.name}`, (write) => writeStream(snapshot, one, write));
  const file = out === undefined ? 'FILE' : `'${out.replaceAll("'", `'\\''`)}'`;
  if (restoreCommand) say(`To put it back:  ${restoreCommand.replace('FILE', () => file)}`);
}

/** A manifest may lie there more than once, where copies were put together: any one that can be proved will do. */
function openAny(at, files) {
  const reasons = [];
  for (const file of files) {
    try {
      return openManifest(at, file);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      reasons.push(error.message);
    }
  }
  return refuse(reasons.join('\n'));
}

/** Steps 7 and 8: chunk after chunk, one in memory at a time, and at the end the hash of the whole. */
async function writeStream(snapshot, { chunks, length, name }, write) {
  const hash = createHash('sha256');
  for (const [id, chunkLength] of chunks) {
    const plaintext = readChunk(snapshot, id, chunkLength);
    hash.update(plaintext);
    await write(plaintext);
  }
  const proved = hash.digest('hex') === snapshot.hashes.get(name);
  need(proved, `Stream ${name} is not the one that was backed up. Keep nothing of it.`);
  say(`Stream ${name}: ${length} bytes, all proved.`);
}

function needNew(path) {
  for (const name of [path, `${path}.part`])
    need(!fs.existsSync(name), `${name} exists already: name another file, or move that one away.`);
}

/** Writes beside the file, which has its name only once everything is proved and on the disk. */
async function toFile(path, work) {
  const part = `${path}.part`;
  const fd = doing(`${part} cannot be written`, () => fs.openSync(part, 'wx', 0o600)); // follows no link
  try {
    await work((bytes) => {
      for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done);
    });
    fs.fsyncSync(fd);
  } catch (error) {
    say(`${part} is not whole: do not take it for the backup.`);
    throw error;
  } finally {
    fs.closeSync(fd);
  }
  fs.renameSync(part, path);
}

function toStdout(bytes) {
  const { promise, reject, resolve: written } = Promise.withResolvers();
  process.stdout.write(bytes, (error) => (error ? reject(error) : written()));
  return promise;
}

const USAGE = `Usage: node recover.mjs --kit KIT [--vault DIR] list
       node recover.mjs --kit KIT [--vault DIR] get SNAPSHOT --out FILE [--all-streams]
       node recover.mjs --kit KIT [--vault DIR] get SNAPSHOT --stdout`;

/** What was typed, or undefined where it makes no sense. */
function readArguments() {
  const options = {
    kit: { type: 'string' },
    vault: { type: 'string', default: dirname(fileURLToPath(import.meta.url)) },
    out: { type: 'string' },
    stdout: { type: 'boolean', default: false },
    'all-streams': { type: 'boolean', default: false },
  };
  try {
    const { positionals, values } = parseArgs({ options, allowPositionals: true });
    const { kit, out, stdout, vault, 'all-streams': all } = values;
    const [command, snapshot] = positionals;
    const listing = command === 'list' && positionals.length === 1;
    const getting =
      command === 'get' &&
      positionals.length === 2 &&
      (out === undefined) === stdout &&
      !(stdout && all) &&
      out !== '';
    return kit !== undefined && (listing || getting) ? { kit, vault, snapshot, out, all } : undefined;
  } catch (error) {
    say(error.message);
    return undefined;
  }
}

async function main() {
  const version = process.versions.node;
  need(
    zlib.zstdDecompressSync,
    `This needs Node 22.15 or newer (it can read zstd). This is Node ${version}.`,
  );
  const wish = readArguments();
  if (!wish) {
    say(USAGE);
    process.exitCode = 2;
    return;
  }
  const at = { vault: resolve(wish.vault), kit: readKit(wish.kit) };
  requireVault(at.vault, at.kit);
  if (wish.snapshot === undefined) list(at);
  else await get(at, wish.snapshot, wish);
}

process.stdout.on('error', () => {}); // told to whoever wrote
main().catch((error) => {
  // With a code it comes from the system (a full disk, for example), and its message says enough.
  say(error instanceof Refusal || error.code ? `Refused: ${error.message}` : error.stack);
  process.exitCode = 1;
});
