import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ServerTarget, StreamOpener, StreamSink } from '../../agent/engines/driver.ts';
import { FailureError } from '../../protocol/failure.ts';
import { type Captured, capture, failureOf, opener, operation, restoreInput, whole } from './captured.ts';
import { inPlaceContract } from './in-place.ts';
import { selectionContract } from './selection.ts';
import type { EngineSubject, EngineUnderTest } from './subject.ts';

/** What every engine's driver promises; in place and selections are in files of their own. */
export function engineContract(subject: EngineSubject): void {
  const modes = subject.descriptor.restoreModes.map((mode) => mode.id);
  describe(`engine contract: ${subject.name}`, () => {
    let it: EngineUnderTest;
    let dump: Captured;
    beforeAll(async () => {
      it = await subject.setup();
      dump = await capture(it.driver, it.server, it.sample);
    }, 60_000);
    afterAll(() => it?.[Symbol.asyncDispose]());

    test('names its tools with versions and paths', async () => {
      const tools = await it.driver.detect();
      expect(tools.length).toBeGreaterThan(0);
      for (const tool of tools)
        expect(tool).toMatchObject({
          version: expect.stringMatching(/^\d+/),
          path: expect.stringMatching(/^\//),
        });
    });

    test('names the tools for its server, and refuses a server newer than any tool', async () => {
      const { version } = await it.driver.probe(it.server, operation());
      const { signal } = operation();
      const tools = await it.driver.toolsFor(version, signal);
      const paths = (await it.driver.detect()).map(({ path }) => path);
      expect(tools.length).toBeGreaterThan(0);
      for (const { path } of tools) expect(paths).toContain(path);
      expect((await failureOf(it.driver.toolsFor('99.1', signal))).code).toBe('tool_too_old');
    });

    test('probes and lists databases', async () => {
      const facts = await it.driver.probe(it.server, operation());
      expect(facts.version).toMatch(/^\d+\.\d+/);
      expect(facts.user).toContain(it.server.connection.user);
      const listed = await it.driver.listDatabases(it.server, operation());
      expect(listed.find((one) => one.name === it.sample)).toMatchObject({
        connectable: true,
        sizeBytes: expect.any(Number),
      });
    });

    test('knows its server without a login, and no other', async () => {
      if (!it.driver.identify) throw new Error('It cannot be discovered.');
      const { signal } = operation();
      for (const endpoint of it.endpoints)
        expect(await it.driver.identify(endpoint, signal), JSON.stringify(endpoint)).toBeDefined();
      expect(await it.driver.identify({ host: '127.0.0.1', port: 1 }, signal)).toBeUndefined();
      expect(await it.driver.identify({ path: '/nowhere/server.sock' }, signal)).toBeUndefined();
    });

    test('preflight of a backup finds no blocker for the documented account', async () => {
      const preflight = await it.driver.preflightBackup(it.server, whole(it.sample), operation());
      expect(preflight.findings.filter((finding) => finding.severity === 'blocker')).toEqual([]);
      expect(preflight.estimatedBytes).toBeGreaterThan(0);
    });

    test('a dump counts tables and objects, and its requirements fit a frame', () => {
      expect(dump.result.catalog.tables.length).toBeGreaterThan(0);
      expect(Object.keys(dump.result.catalog.objectCounts).length).toBeGreaterThan(0);
      expect(JSON.stringify(dump.result.catalog.requirements).length).toBeLessThan(500_000);
    });

    test('restores under a new name what was backed up, not what came later', async () => {
      const before = await it.contents(it.sample);
      await it.change(it.sample);
      expect(await it.contents(it.sample)).not.toEqual(before);
      const report = await it.driver.restore(
        it.server,
        restoreInput(dump, { targetDatabase: 'contract_new' }),
        operation(),
      );
      expect(report).toMatchObject({ database: 'contract_new', mode: 'new' });
      expect(await it.contents('contract_new')).toEqual(before);
    });

    if (modes.includes('swap')) {
      test('swaps, and keeps the old database', async () => {
        await it.driver.restore(
          it.server,
          restoreInput(dump, { targetDatabase: 'contract_swap' }),
          operation(),
        );
        const original = await it.contents('contract_swap');
        await it.change('contract_swap');
        const changed = await it.contents('contract_swap');
        const report = await it.driver.restore(
          it.server,
          restoreInput(dump, { mode: 'swap', targetDatabase: 'contract_swap' }),
          operation(),
        );
        expect(await it.contents('contract_swap')).toEqual(original);
        expect(report.keptAs).toBeDefined();
        expect(await it.contents(report.keptAs ?? '')).toEqual(changed);
      });
    } else {
      // It has no way to exchange the names of two databases: then asking for it must change nothing.
      test('refuses to swap', async () => {
        const before = await it.databases();
        const input = restoreInput(dump, { mode: 'swap', targetDatabase: it.sample });
        expect((await failureOf(it.driver.restore(it.server, input, operation()))).code).toBe(
          'restore_not_possible',
        );
        expect(await it.databases()).toEqual(before);
      });
    }

    test('refuses a name that is taken, and changes nothing', async () => {
      const before = await it.databases();
      const failure = await failureOf(
        it.driver.restore(it.server, restoreInput(dump, { targetDatabase: it.sample }), operation()),
      );
      expect(failure.code).toBe('database_exists');
      expect(await it.databases()).toEqual(before);
    });

    test.each(['half way', 'at its very end'])(
      'a source that fails %s leaves nothing behind',
      async (where) => {
        const before = await it.databases();
        const whole = opener(dump);
        const bytes = dump.streams.get('dump') ?? Buffer.alloc(0);
        const open: StreamOpener = async function* (name) {
          if (name !== 'dump') return yield* whole(name);
          yield where === 'half way' ? bytes.subarray(0, bytes.length / 2) : bytes;
          throw new FailureError({
            code: 'pack_corrupt',
            message: 'damaged',
            hint: 'restore another',
            retryable: false,
          });
        };
        const failure = await failureOf(
          it.driver.restore(
            it.server,
            restoreInput(dump, { targetDatabase: 'contract_broken' }, open),
            operation(),
          ),
        );
        expect(failure.code).toBe('pack_corrupt');
        expect(await it.databases()).toEqual(before);
      },
    );

    test('a cancelled dump ends as cancelled', async () => {
      const stop = new AbortController();
      const sink: StreamSink = async (_, body) => {
        for await (const chunk of body) if (chunk.length > 0) stop.abort();
      };
      expect(
        await failureOf(it.driver.dump(it.server, whole(it.sample), sink, operation(stop.signal))),
      ).toMatchObject({ code: 'cancelled' });
    });

    test('a cancelled restore leaves nothing behind', async () => {
      const before = await it.databases();
      const stop = new AbortController();
      const open: StreamOpener = async function* (name) {
        if (name === 'dump') stop.abort();
        yield* opener(dump)(name);
      };
      const failure = await failureOf(
        it.driver.restore(
          it.server,
          restoreInput(dump, { targetDatabase: 'contract_cancelled' }, open),
          operation(stop.signal),
        ),
      );
      expect(failure.code).toBe('cancelled');
      expect(await it.databases()).toEqual(before);
    });

    test('drops no database that is not a scratch database of ours', async () => {
      expect(await failureOf(it.driver.dropScratch(it.server, it.sample, operation()))).toMatchObject({
        code: 'conflict',
      });
      expect(await it.databases()).toContain(it.sample);
    });

    test('explains a wrong password, a closed port, an unknown host, a missing database', async () => {
      const at = (connection: object, password = it.server.password): ServerTarget => ({
        connection: { ...it.server.connection, ...connection },
        password,
      });
      const probe = (server: ServerTarget) => failureOf(it.driver.probe(server, operation()));
      expect((await probe(at({}, 'wrong'))).code).toBe('access_denied');
      expect((await probe(at({ port: 1 }))).code).toBe('connection_refused');
      expect((await probe(at({ host: 'no-such-host.invalid' }))).code).toBe('unknown_host');
      expect(
        (await failureOf(it.driver.preflightBackup(it.server, whole('no such database'), operation()))).code,
      ).toBe('database_missing');
    });

    inPlaceContract(subject, () => ({ it, dump }));
    selectionContract(() => ({ it, dump }));
  });
}
