/** A value that must be seen nowhere but where it is meant to be shown. */
interface Canary {
  name: string;
  value: string;
  /** The one kind of place that shows it, e.g. `POST /api/v1/api-keys`. */
  shownBy: string | undefined;
}

/** Secrets that were planted, or handed out once, and how to find them again in whatever clothes. */
export interface Canaries {
  /** Watches a secret from now on. @param shownBy the place that is meant to show it, once */
  plant(name: string, value: string, shownBy?: string): string;
  /** Names of the secrets that are in this text, as `name in place`; the place that is meant to show one may. */
  leaksIn(place: string, text: string): string[];
  /** Names of those planted so far. */
  names(): string[];
}

export function createCanaries(): Canaries {
  const canaries: Canary[] = [];
  return {
    plant(name, value, shownBy) {
      if (value.length < 6) throw new Error(`${name} is too short to be told from other text: ${value}`);
      canaries.push({ name, value, shownBy });
      return value;
    },
    leaksIn: (place, text) =>
      canaries
        .filter(
          ({ shownBy, value }) => shownBy !== place && disguises(value).some((one) => text.includes(one)),
        )
        .map(({ name }) => `${name} in ${place}`),
    names: () => canaries.map(({ name }) => name),
  };
}

/** How a value reads raw, quoted, escaped, in hex, and in base64 wherever it stands in what was encoded. */
export function disguises(value: string): string[] {
  const bytes = Buffer.from(value);
  const hex = bytes.toString('hex');
  const json = JSON.stringify(value).slice(1, -1);
  const html = value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
  const url = encodeURIComponent(value);
  const lines = value.includes('\n') ? value.split('\n').filter((line) => line.length > 40) : [];
  return [
    ...new Set([
      ...[value, bytes.toString('latin1'), json, JSON.stringify(json).slice(1, -1), html, ...lines],
      ...[url, url.replaceAll('%20', '+'), url.replaceAll(/%../g, (code) => code.toLowerCase())],
      ...[hex, hex.toUpperCase()],
      ...[0, 1, 2].flatMap((before) => base64Within(bytes, before)),
    ]),
  ];
}

/** The characters that are the same whatever stands around the bytes, for one of three ways to be aligned. */
function base64Within(bytes: Buffer, before: number): string[] {
  const all = Buffer.concat([Buffer.alloc(before), bytes]);
  const first = before === 0 ? 0 : before + 1;
  const end = Math.floor((all.length * 4) / 3) - (all.length % 3 === 0 ? 0 : 1);
  return (['base64', 'base64url'] as const).map((encoding) => all.toString(encoding).slice(first, end));
}
