/** One family as a strict reader of Prometheus’ text format finds it. */
export interface ReadFamily {
  type: string;
  help: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`);
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;
const SUFFIXES: Record<string, string[]> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

/**
 * Reads text format 0.0.4 and refuses whatever is not in it: a family twice, samples apart from their family or without
 * help, the same labels twice, values that are no numbers.
 */
export function readExposition(text: string): Map<string, ReadFamily> {
  if (!text.endsWith('\n')) throw new Error('The last line has no end.');
  const families = new Map<string, ReadFamily>();
  let current: { name: string; help: string; type?: string } | undefined;
  const seen = new Set<string>();
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue; // allowed, and ignored
    const [, help, about] = new RegExp(`^# HELP (${NAME}) (.+)$`).exec(line) ?? [];
    const [, typed, type] =
      new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)$`).exec(line) ?? [];
    if (help && about) {
      if (families.has(help)) throw new Error(`${help} is there twice.`);
      current = { name: help, help: about };
    } else if (typed && type) {
      if (current?.name !== typed) throw new Error(`${typed} has no help before its type.`);
      families.set(typed, { type, help: current.help, samples: [] });
    } else {
      const sample = readSample(line);
      const own = current && families.get(current.name);
      const names = (SUFFIXES[own?.type ?? ''] ?? ['']).map((suffix) => `${current?.name}${suffix}`);
      if (!own || !names.includes(sample.name)) throw new Error(`Not of the family before it: ${line}`);
      const key = line.slice(0, line.lastIndexOf(' '));
      if (seen.has(key)) throw new Error(`Twice: ${key}`);
      seen.add(key);
      own.samples.push(sample);
    }
  }
  return families;
}

function readSample(line: string) {
  const [, name, labels = '', value = ''] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`Not a sample: ${line}`);
  const read: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < labels.length) {
    const [, key, text] = LABEL.exec(labels) ?? [];
    if (key === undefined || text === undefined) throw new Error(`Labels are not well formed: ${line}`);
    if (key in read) throw new Error(`The label ${key} is there twice: ${line}`);
    read[key] = text.replaceAll(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one));
  }
  return { name, labels: read, value: numberOf(value) };
}

function numberOf(text: string): number {
  // As Go's ParseFloat reads them, which the format refers to: in any case.
  if (/^\+?inf$/i.test(text)) return Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(text)) return Number.NaN;
  const value = Number(text);
  if (text === '' || Number.isNaN(value)) throw new Error(`Not a number: ${text}`);
  return value;
}
