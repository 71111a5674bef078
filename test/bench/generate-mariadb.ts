import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hex32, random, sentence } from './random.ts';

/** Rows of the pinned data set: a `mariadb-dump --skip-extended-insert` of about 310 MB. */
export const PINNED_MARIADB_ROWS = 2_000_000;
const STATEMENT_ROWS = 4096;

const TABLE = `CREATE TABLE orders (
  id INT UNSIGNED NOT NULL PRIMARY KEY,
  reference CHAR(16) NOT NULL,
  customer INT UNSIGNED NOT NULL,
  placed_at DATETIME NOT NULL,
  status VARCHAR(12) NOT NULL,
  amount DECIMAL(10,2) NOT NULL,
  note VARCHAR(255),
  KEY customer (customer)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n`;

const STATUS = ['new', 'paid', 'packed', 'shipped', 'delivered', 'returned', 'cancelled'];
const EPOCH = Date.UTC(2023, 0, 1);

function row(id: number, next: () => number): string {
  const placed = new Date(EPOCH + id * 23_000).toISOString().slice(0, 19).replace('T', ' ');
  const reference = hex32(next()) + hex32(next());
  const note = next() % 5 === 0 ? 'NULL' : `'${sentence(next, 4, 11)}'`;
  const cents = next() % 100_000;
  return `(${id},'${reference}',${next() % 400_000},'${placed}','${STATUS[next() % STATUS.length]}',${cents / 100},${note})`;
}

/** The pinned rows as SQL, some thousand to a statement. */
function* statements(rows: number, seed = 20_240_229): Generator<string> {
  const next = random(seed);
  yield TABLE;
  for (let id = 1; id <= rows; ) {
    const values: string[] = [];
    for (const end = Math.min(rows, id + STATEMENT_ROWS - 1); id <= end; id += 1) values.push(row(id, next));
    yield `INSERT INTO orders VALUES ${values.join(',')};\n`;
  }
}

/** Fills a database with the pinned data through the stock client; `args` say where it is. */
export async function generateMariadb(rows: number, args: readonly string[]): Promise<void> {
  const client = spawn('mariadb', args, { stdio: ['pipe', 'inherit', 'inherit'] });
  const ended = once(client, 'exit');
  client.stdin.on('error', () => {}); // the client's exit code tells what went wrong
  for (const statement of statements(rows)) {
    if (client.exitCode !== null) break;
    if (!client.stdin.write(statement)) await Promise.race([once(client.stdin, 'drain'), ended]);
  }
  client.stdin.end();
  const [code] = await ended;
  if (code !== 0) throw new Error(`mariadb ended with ${code}`);
}
