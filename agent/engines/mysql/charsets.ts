/**
 * Character sets of clients, as far as they decide how a server takes a statement apart (tried byte by byte with MySQL 9
 * and MariaDB 10.11). In most of them a byte below 0x80 is always the ASCII character.
 */
interface Charset {
  /** A byte beyond ASCII that is a blank, as the space is. */
  blank?: number;
  /** First and further bytes of characters whose further bytes may look like ASCII, a quote or `\` among them. */
  wide?: { lead: readonly Range[]; trail: readonly Range[]; single?: readonly Range[]; four?: true };
}
type Range = readonly [from: number, to: number];

const SJIS: Charset = {
  wide: {
    lead: [
      [0x81, 0x9f],
      [0xe0, 0xfc],
    ],
    trail: [
      [0x40, 0x7e],
      [0x80, 0xfc],
    ],
    single: [[0xa1, 0xdf]],
  },
};
const GBK = {
  lead: [[0x81, 0xfe]],
  trail: [
    [0x40, 0x7e],
    [0x80, 0xfe],
  ],
} satisfies Charset['wide'];

const CHARSETS = new Map<string, Charset>([
  ...names(
    'utf8 utf8mb3 utf8mb4 binary ascii cp850 cp1251 cp1256 cp1257 hp8 koi8r koi8u macce macroman swe7 tis620',
    {},
  ),
  ...names('ujis eucjpms euckr gb2312', {}),
  ...names('armscii8 cp1250 dec8 geostd8 greek hebrew latin1 latin2 latin5 latin7', { blank: 0xa0 }),
  ...names('cp852 cp866 keybcs2', { blank: 0xff }),
  ...names('sjis cp932', SJIS),
  ['gbk', { wide: GBK }],
  ['gb18030', { wide: { ...GBK, four: true } }],
  [
    'big5',
    {
      wide: {
        lead: [[0xa1, 0xf9]],
        trail: [
          [0x40, 0x7e],
          [0xa1, 0xfe],
        ],
      },
    },
  ],
]);

function names(all: string, charset: Charset): [string, Charset][] {
  return all.split(' ').map((name) => [name, charset]);
}

/** Whether we know how a server reads statements in this character set. */
export const isKnownCharset = (name: string) => CHARSETS.has(name);

/** Whether names and values written in this character set are UTF-8. */
export const isUtf8 = (name: string) => name.startsWith('utf8');

/** The byte beyond ASCII that this character set has for a blank. */
export const blankOf = (name: string) => CHARSETS.get(name)?.blank;

const within = (byte: number | undefined, ranges: readonly Range[] = []) =>
  byte !== undefined && ranges.some(([from, to]) => byte >= from && byte <= to);

/** Length in bytes of the character at `at`; 1 also where none begins there. */
export function charLength(bytes: Uint8Array, at: number, charset: string): number {
  if ((bytes[at] as number) < 0x80) return 1;
  const wide = CHARSETS.get(charset)?.wide;
  return wide ? Math.max(1, wideLength(bytes, at, wide)) : 1;
}

/** Length of the character at `at`, 0 for no character. */
function wideLength(bytes: Uint8Array, at: number, wide: NonNullable<Charset['wide']>): number {
  const digit: readonly Range[] = [[0x30, 0x39]];
  if (within(bytes[at], wide.single)) return 1;
  if (!within(bytes[at], wide.lead)) return 0;
  if (within(bytes[at + 1], wide.trail)) return 2;
  const four = wide.four && within(bytes[at + 1], digit) && within(bytes[at + 3], digit);
  return four && within(bytes[at + 2], wide.lead) ? 4 : 0;
}

/**
 * Whether text consists of whole characters, as far as it matters: servers disagree with each other about where a broken
 * one ends, and so about whether the quote after it is one.
 */
export function isWellFormed(bytes: Uint8Array, charset: string): boolean {
  const wide = CHARSETS.get(charset)?.wide;
  if (!wide) return true;
  for (let at = 0; at < bytes.length; ) {
    const length = (bytes[at] as number) < 0x80 ? 1 : wideLength(bytes, at, wide);
    if (length === 0) return false;
    at += length;
  }
  return true;
}
