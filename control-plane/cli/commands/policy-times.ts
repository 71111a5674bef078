import { InvalidArgumentError } from 'commander';

export interface Blackout {
  days: number[];
  from: string;
  to: string;
}

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** `mon,thu` or `mon-fri`, as 1 to 7. */
export function daysOf(text: string): number[] {
  const day = (name = '') => DAYS.indexOf(name.trim().toLowerCase()) + 1;
  const days = text.split(',').flatMap((part) => {
    const [first, last] = part.split('-');
    const [from, to] = [day(first), day(last ?? first)];
    return from > 0 && to >= from ? Array.from({ length: to - from + 1 }, (_, n) => from + n) : [0];
  });
  if (days.includes(0)) throw new InvalidArgumentError('Days are such as mon,thu or mon-fri.');
  return [...new Set(days)];
}

/** `mon-fri/08:00-18:00`, beside those before it. */
export function blackouts(text: string, before: Blackout[] = []): Blackout[] {
  const found = /^([^/]+)\/(\d\d:\d\d)-(\d\d:\d\d)$/.exec(text);
  if (!found) throw new InvalidArgumentError('It has to be such as mon-fri/08:00-18:00.');
  const [, days = '', from = '', to = ''] = found;
  return [...before, { days: daysOf(days), from, to }];
}

/** A day of the month. */
export function monthDay(text: string): number | 'last' {
  return text === 'last' ? text : number(text);
}

export function number(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('It has to be a number.');
  return Number(text);
}
