import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { hex32, random, sentence } from './random.ts';

/** Rows of the pinned data set: a `pg_dump -Fc -Z0` of about 1.3 GB. */
export const PINNED_ROWS = 4_000_000;
const BLOCK_ROWS = 4096;

const TABLE = `CREATE TABLE orders (
  id bigint PRIMARY KEY,
  reference uuid NOT NULL,
  customer integer NOT NULL,
  placed_at timestamptz NOT NULL,
  status text NOT NULL,
  amount numeric(10,2) NOT NULL,
  note text,
  details jsonb NOT NULL
)`;

const STATUS = ['new', 'paid', 'packed', 'shipped', 'delivered', 'returned', 'cancelled'];
const CHANNEL = ['web', 'shop', 'phone', 'partner-api'];
const CURRENCY = ['EUR', 'USD', 'GBP', 'CHF'];
const EPOCH = Date.UTC(2023, 0, 1);

function uuid(next: () => number): string {
  const [a, b, c, d] = [hex32(next()), hex32(next()), hex32(next()), hex32(next())];
  return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-9${c.slice(1, 4)}-${c.slice(4)}${d}`;
}

function row(id: number, next: () => number): string {
  const placed = new Date(EPOCH + id * 23_000 + (next() % 20_000)).toISOString();
  const cents = next() % 100_000;
  const note = next() % 5 === 0 ? '\\N' : sentence(next, 5, 17);
  const quantity = 1 + (next() % 9);
  const details =
    `{"sku":"${hex32(next()).toUpperCase()}","channel":"${CHANNEL[next() % 4]}","quantity":${quantity},` +
    `"currency":"${CURRENCY[next() % 4]}","gift":${next() % 8 === 0},"session":"${hex32(next())}${hex32(next())}",` +
    `"weight_g":${next() % 9000}}`;
  const status = STATUS[next() % STATUS.length];
  return `${id}\t${uuid(next)}\t${next() % 400_000}\t${placed}\t${status}\t${cents / 100}\t${note}\t${details}\n`;
}

/** The pinned rows in COPY's text format, some thousand at a time. */
export function* copyBlocks(rows: number, seed = 20_240_229): Generator<string> {
  const next = random(seed);
  for (let id = 1; id <= rows; ) {
    let block = '';
    for (const end = Math.min(rows, id + BLOCK_ROWS - 1); id <= end; id += 1) block += row(id, next);
    yield block;
  }
}

/** Fills the database that libpq's variables in `env` name with the pinned data; about 325 bytes a row. */
export async function generate(rows: number, env: NodeJS.ProcessEnv): Promise<void> {
  // Created and frozen in one transaction: the first dump then reads, and does not also write hint bits.
  const load = ['-c', TABLE, '-c', 'COPY orders FROM STDIN WITH (FREEZE)'];
  const psql = spawn('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '--single-transaction', ...load], {
    env,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const ended = once(psql, 'exit');
  psql.stdin.on('error', () => {}); // psql's exit code tells what went wrong
  for (const block of copyBlocks(rows)) {
    if (psql.exitCode !== null) break;
    if (!psql.stdin.write(block)) await Promise.race([once(psql.stdin, 'drain'), ended]);
  }
  psql.stdin.end();
  const [code] = await ended;
  if (code !== 0) throw new Error(`psql ended with ${code}`);
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { rows: { type: 'string', default: String(PINNED_ROWS) } } });
  await generate(Number(values.rows), process.env);
}
