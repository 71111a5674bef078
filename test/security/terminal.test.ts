import { expect, test } from 'vitest';
import { printable } from '../../agent/log.ts';

test('words of others cannot steer the terminal they are printed on', () => {
  expect(printable('a\u001b]0;x\u0007b\u009bc\r\u202ed')).toBe('a�]0;x�b�c��d');
  expect(printable('Zeile eins\n\tzwei – 三')).toBe('Zeile eins\n\tzwei – 三');
});
