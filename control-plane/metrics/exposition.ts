/** What the values of a family are, as Prometheus has it. */
export type MetricType = 'counter' | 'gauge' | 'histogram';

export interface Sample {
  labels?: Readonly<Record<string, string>>;
  value: number;
  /** Histograms: `_bucket`, `_sum` or `_count`, behind the family's name. */
  suffix?: string;
}

/** All samples of one name. */
export interface Family {
  name: string;
  type: MetricType;
  /** One sentence, with the unit where the name has none. */
  help: string;
  samples: Iterable<Sample>;
}

/** Of the text that {@link exposition} makes. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Families as Prometheus reads them: its text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Written here because what is told is derived from the
 * database at each asking: a client library keeps values of its own, and takes no histogram from elsewhere.
 */
export function exposition(families: Iterable<Family>): string {
  const lines: string[] = [];
  for (const { help, name, samples, type } of families) {
    lines.push(`# HELP ${name} ${escapedHelp(help)}`, `# TYPE ${name} ${type}`);
    for (const { labels, suffix = '', value } of samples)
      lines.push(`${name}${suffix}${labelled(labels)} ${written(value)}`);
  }
  return `${lines.join('\n')}\n`;
}

function labelled(labels: Sample['labels']): string {
  if (!labels) return '';
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
}

function escaped(value: string): string {
  return /[\\"\n]/.test(value)
    ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
    : value;
}

function escapedHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function written(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}
