import { expect, test } from 'vitest';
import { printable } from '../../agent/log.ts';
import { readableLine } from '../../control-plane/log.ts';

test('words of others cannot steer the terminal they are printed on', () => {
  expect(printable('a\u001b]0;x\u0007b\u009bc\r\u202ed')).toBe('a�]0;x�b�c��d');
  expect(printable('Zeile eins\n\tzwei – 三')).toBe('Zeile eins\n\tzwei – 三');
});

test('the control plane’s log is readable on a terminal and cannot steer it either', () => {
  const entry = {
    level: 'warn',
    time: '2026-11-23T15:52:16.128Z',
    name: 'db\u001b[2J',
    msg: 'agent connected',
  };
  expect(readableLine(JSON.stringify(entry))).toBe('15:52:16 warn  agent connected name=db�[2J');
});
