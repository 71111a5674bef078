import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { ArchiveInspector } from '../../../../agent/engines/postgres/archive.ts';
import { inspected, rewritten } from '../../../../agent/engines/postgres/archive-stream.ts';
import { FailureError } from '../../../../protocol/failure.ts';
import { postgresBinaries, startPostgres } from '../../../support/postgres.ts';

let archive: Buffer;

beforeAll(async () => {
  await using postgres = await startPostgres();
  await postgres.query(
    `CREATE TABLE rows (a int, b text); INSERT INTO rows SELECT g, repeat('x', g) FROM generate_series(1, 300) g;
     CREATE TABLE empty (a int); CREATE TABLE big (b text); INSERT INTO big VALUES (repeat('y', 200000));
     CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT lo_from_bytea(0, 'abc'), lo_from_bytea(0, '')`,
  );
  const pgDump = join(postgresBinaries().directory, 'pg_dump');
  const options = { env: postgres.psqlEnv, encoding: 'buffer', maxBuffer: 1 << 26 } as const;
  archive = (await promisify(execFile)(pgDump, ['-Fc', '-Z0'], options)).stdout;
});

function inspect(bytes: Uint8Array, cuts: readonly number[] = []): ArchiveInspector {
  const inspector = new ArchiveInspector();
  let from = 0;
  for (const cut of [...cuts.filter((at) => at < bytes.length), bytes.length]) {
    inspector.push(bytes.subarray(from, cut));
    from = cut;
  }
  inspector.finish();
  return inspector;
}

const summary = (inspector: ArchiveInspector) =>
  Object.fromEntries(inspector.blocks.map(({ entry, rows, bytes }) => [entry.tag, { rows, bytes }]));

describe('the archive inspector', () => {
  test('counts rows and bytes of each table, and large objects', () => {
    const inspector = inspect(archive);
    expect(summary(inspector)).toMatchObject({
      rows: { rows: 300 },
      empty: { rows: 0, bytes: 0 },
      big: { rows: 1, bytes: 200_001 },
      BLOBS: { rows: 2, bytes: 3 },
    });
    expect(inspector.contents.header).toMatchObject({ version: [1, 14], database: 'postgres' });
    expect(inspector.contents.entries.filter((entry) => entry.desc === 'FUNCTION')).toHaveLength(1);
  });

  test('sees the same however the bytes are cut', () => {
    const whole = summary(inspect(archive));
    const positions = fc.array(fc.integer({ min: 1, max: archive.length - 1 }), { maxLength: 40 });
    fc.assert(
      fc.property(positions, (cuts) => {
        expect(
          summary(
            inspect(
              archive,
              cuts.toSorted((a, b) => a - b),
            ),
          ),
        ).toEqual(whole);
      }),
      { numRuns: 50 },
    );
    expect(
      summary(
        inspect(
          archive,
          Array.from({ length: archive.length }, (_, at) => at),
        ),
      ),
    ).toEqual(whole);
  });

  test('refuses every truncation', () => {
    const near = Array.from({ length: 400 }, (_, index) => index + 1);
    const across = Array.from({ length: 400 }, (_, index) => Math.floor((archive.length * index) / 400));
    for (const length of [...near.map((back) => archive.length - back), ...across, ...near]) {
      expect(() => inspect(archive.subarray(0, length)), `cut at ${length}`).toThrow(FailureError);
    }
  });

  test('refuses bytes after the end and what is no archive', () => {
    expect(() => inspect(Buffer.concat([archive, Buffer.from([0])]))).toThrow('dump_incomplete');
    expect(() => inspect(Buffer.from('-- PostgreSQL database dump'))).toThrow('dump_incomplete');
    expect(() => inspect(Buffer.alloc(0))).toThrow('dump_incomplete');
  });

  test('its stream passes the same bytes on and throws at the end of a cut one', async () => {
    const source = async function* () {
      yield archive.subarray(0, 1000);
      yield archive.subarray(1000, -1);
    };
    const passed: Uint8Array[] = [];
    const read = async () => {
      for await (const chunk of inspected(source(), new ArchiveInspector())) passed.push(chunk);
    };
    await expect(read()).rejects.toThrow('dump_incomplete');
    expect(Buffer.concat(passed).equals(archive.subarray(0, -1))).toBe(true);
  });
});

describe('rewriting the table of contents', () => {
  const rewrite = async (chunkSize: number, owner: (name: string) => string) => {
    const source = async function* () {
      for (let at = 0; at < archive.length; at += chunkSize) yield archive.subarray(at, at + chunkSize);
    };
    const chunks: Uint8Array[] = [];
    const exchange = (entry: { owner: string }, definition: string) => ({
      owner: owner(entry.owner),
      definition,
    });
    for await (const chunk of rewritten(source(), { entry: exchange })) chunks.push(chunk);
    return Buffer.concat(chunks);
  };

  test.each([7, 1000, 1 << 20])('that changes nothing gives the same bytes (chunks of %i)', async (size) => {
    expect((await rewrite(size, (name) => name)).equals(archive)).toBe(true);
  });

  test('exchanges owners and leaves the data alone', async () => {
    const changed = await rewrite(5000, (name) => (name === 'postgres' ? 'somebody "else"' : name));
    const inspector = inspect(changed);
    expect(new Set(inspector.contents.entries.map((entry) => entry.owner).filter(Boolean))).toEqual(
      new Set(['somebody "else"']),
    );
    expect(summary(inspector)).toEqual(summary(inspect(archive)));
  });
});
