import { expect, test } from 'vitest';
import { parseTcp, parseUnix } from '../../../agent/discovery/sockets.ts';

/** As little-endian machines print it; the tests run on no other. */
const line = (local: string, state = '0A') =>
  `   0: ${local}:1538 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000   103        0 923230 1 0 100 0`;

test.for([
  ['00000000', '0.0.0.0'],
  ['0100007F', '127.0.0.1'],
  ['00000000000000000000000000000000', '::'],
  ['00000000000000000000000001000000', '::1'],
  ['0000000000000000FFFF00000100007F', '127.0.0.1'],
  ['B80D0120000000000000000001000000', '2001:db8::1'],
  ['000080FE00000000FF0A0002011E34FE', 'fe80::200:aff:fe34:1e01'],
] as const)('%s is %s', ([hex, address]) => {
  expect(parseTcp(line(hex))).toEqual([{ address, port: 5432, inode: 923230 }]);
});

test('only what listens counts, and the head of the table is none', () => {
  const head =
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
  expect(parseTcp(`${head}\n${line('0100007F', '01')}\n`)).toEqual([]);
});

test('unix sockets: streams that listen, whatever their path holds; no abstract ones', () => {
  const table = [
    'Num       RefCount Protocol Flags    Type St Inode Path',
    '000000008e95c109: 00000002 00000000 00010000 0001 01 922447 /run/my dir/.s.PGSQL.5432',
    '000000007c910d0a: 00000003 00000000 00000000 0001 03  1589 /run/connected',
    '00000000c656f1a0: 00000002 00000000 00010000 0001 01 922433 @abstract',
    '00000000c656f1a1: 00000002 00000000 00000000 0002 01 922434 /run/systemd/journal/dev-log',
    '00000000c656f1a2: 00000002 00000000 00010000 0001 01    77 /run/mysqld/mysqld.sock',
  ].join('\n');
  expect(parseUnix(table)).toEqual([
    { path: '/run/my dir/.s.PGSQL.5432', inode: 922447 },
    { path: '/run/mysqld/mysqld.sock', inode: 77 },
  ]);
});
