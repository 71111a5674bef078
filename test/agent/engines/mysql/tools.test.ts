import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Flavour } from '../../../../agent/engines/mysql/flavour.ts';
import { versionNumber } from '../../../../agent/engines/mysql/flavour.ts';
import {
  chooseTool,
  findTools,
  type MysqlTool,
  parseToolVersion,
  saferVersion,
} from '../../../../agent/engines/mysql/tools.ts';
import { FailureError } from '../../../../protocol/failure.ts';
import { driverWithTool, flavour } from './world.ts';

const tool = (flavour: Flavour, version: string): MysqlTool => ({
  name: flavour === 'mysql' ? 'mysqldump' : 'mariadb-dump',
  kind: 'dump',
  flavour,
  version,
  versionNumber: versionNumber(version),
  path: `/${version}`,
});
const choose = (tools: MysqlTool[], flavour: Flavour, version: string) =>
  chooseTool(tools, { kind: 'dump', flavour, version: versionNumber(version) });
const refusal = (call: () => unknown) => {
  try {
    call();
  } catch (error) {
    if (error instanceof FailureError) return error.failure;
  }
  throw new Error('expected a failure');
};

test.each([
  ['mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)', 'mariadb', '10.11.19'],
  ['mariadb-dump from 11.8.3-MariaDB, client 10.19 for debian-linux-gnu (x86_64)', 'mariadb', '11.8.3'],
  ['mysqldump  Ver 10.19 Distrib 10.6.16-MariaDB, for debian-linux-gnu (x86_64)', 'mariadb', '10.6.16'],
  ['mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)', 'mysql', '8.0.36'],
  ['mysqldump  Ver 9.7.4-2 for Linux on x86_64 ((Debian))', 'mysql', '9.7.4'],
  ['mysqldump  Ver 10.13 Distrib 5.7.44, for Linux (x86_64)', 'mysql', '5.7.44'],
])('%s', (text, flavour, version) => {
  expect(parseToolVersion(text)).toMatchObject({ flavour, version });
});

test('what is no such tool is none', () => {
  expect(parseToolVersion('pg_dump (PostgreSQL) 15.20')).toBeUndefined();
});

describe('choice', () => {
  const all = [
    tool('mariadb', '12.0.2'),
    tool('mysql', '9.7.4'),
    tool('mariadb', '10.11.19'),
    tool('mysql', '8.0.40'),
  ];

  test.each([
    ['mariadb', '10.11.3', '10.11.19'],
    ['mariadb', '10.6.1', '10.11.19'],
    ['mariadb', '11.4.2', '12.0.2'],
    ['mysql', '8.0.99', '8.0.40'],
    ['mysql', '8.4.3', '9.7.4'],
  ] as const)('for %s %s it is %s', (flavour, server, chosen) => {
    expect(choose(all, flavour, server).version).toBe(chosen);
  });

  test('too old, missing, or only the other product’s', () => {
    expect(refusal(() => choose(all, 'mariadb', '12.1.1'))).toMatchObject({
      code: 'tool_too_old',
      message: expect.stringMatching(/12\.0\.2.*12\.1/),
      hint: expect.stringContaining('mariadb-client'),
    });
    expect(refusal(() => choose([], 'mysql', '8.4.3')).code).toBe('tool_missing');
    expect(refusal(() => choose([tool('mariadb', '12.0.2')], 'mysql', '8.4.3'))).toMatchObject({
      code: 'tool_missing',
      message: expect.stringContaining('Only MariaDB’s mariadb-dump 12.0.2'),
    });
  });

  test.each([
    ['mysql', '8.0.36', '8.0.37'],
    ['mysql', '8.0.37', undefined],
    ['mysql', '8.3.0', '8.4.0'],
    ['mysql', '9.7.4', undefined],
    ['mariadb', '10.6.17', '10.6.18'],
    ['mariadb', '10.11.19', undefined],
    ['mariadb', '11.8.3', undefined],
  ] as const)('%s %s would be safer as %s', (flavour, version, safer) => {
    expect(saferVersion(tool(flavour, version))).toBe(safer);
  });
});

describe('finding', () => {
  let parent: string;
  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), 'homeport-tools-'));
  });
  afterAll(() => rm(parent, { recursive: true, force: true }));

  test('goes by what a program says, not by its name', async () => {
    const other = flavour === 'mysql' ? 'Distrib 10.11.3-MariaDB, for x' : 'Ver 9.1.0 for Linux';
    expect(await (await driverWithTool(parent, `echo "${other}"`)).detect()).toEqual([]);
    expect(await (await driverWithTool(parent, 'exit 1')).detect()).toEqual([]);
  });

  test('a program under two names is one', async () => {
    const found = await findTools(['/usr/bin', '/bin'], new AbortController().signal);
    expect(new Set(found.map((one) => one.path)).size).toBe(found.length);
  });
});
