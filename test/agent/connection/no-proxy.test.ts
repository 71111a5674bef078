import { expect, test } from 'vitest';
import { isExempt } from '../../../agent/connection/no-proxy.ts';

test.for([
  ['backups.example.org', '*'],
  ['backups.example.org', 'backups.example.org'],
  ['backups.example.org', 'EXAMPLE.org'],
  ['backups.example.org', '.example.org'],
  ['backups.example.org', '*.example.org'],
  ['example.org.', '.example.org'],
  ['backups.example.org', 'one.example,  example.org'],
  ['backups.example.org', 'one.example example.org'],
  ['backups.example.org', 'example.org:443'],
  ['10.1.2.3', '10.1.2.3'],
  ['10.1.2.3', '10.1.2.3:443'],
  ['10.1.2.3', '10.0.0.0/8'],
  ['2001:db8::1', '2001:db8::1'],
  ['2001:db8::1', '2001:DB8:0::1'],
  ['2001:db8::1', '[2001:db8::1]:443'],
  ['2001:db8::1', '2001:db8::/32'],
])('%s is named by “%s”', ([host = '', list = '']) => {
  expect(isExempt(host, 443, list)).toBe(true);
});

test.for([
  ['backups.example.org', ''],
  ['backups.example.org', ' , '],
  ['backups.example.org', '.'],
  ['backups.example.org', 'ample.org'],
  ['backups.example.org', 'example.org:8443'],
  ['backups.example.org', 'x.backups.example.org'],
  ['10.1.2.3', '2.3'],
  ['10.1.2.3', '10.1.2.30'],
  ['10.1.2.3', '11.0.0.0/8'],
  ['10.1.2.3', '10.0.0.0/'],
  ['10.1.2.3', '10.0.0.0/64'],
  ['10.1.2.3', '::/0'],
  ['2001:db8::1', '[2001:db8::1]:8443'],
  ['2001:db8::1', '2001:db9::/32'],
])('%s is not named by “%s”', ([host = '', list = '']) => {
  expect(isExempt(host, 443, list)).toBe(false);
});
