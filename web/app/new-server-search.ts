/** What a link to “Add server” may have filled in already. */
export interface NewServerSearch {
  agent?: string;
  engine?: string;
  host?: string;
  port?: number;
  name?: string;
}

/** Takes from the address what it can use; the router has read numbers as numbers. */
export function newServerSearch(search: Record<string, unknown>): NewServerSearch {
  const text = (key: 'agent' | 'engine' | 'host' | 'name') =>
    typeof search[key] === 'string' || typeof search[key] === 'number' ? { [key]: String(search[key]) } : {};
  const port = Number(search.port);
  return {
    ...text('agent'),
    ...text('engine'),
    ...text('host'),
    ...text('name'),
    ...(Number.isInteger(port) && port > 0 && port < 65_536 ? { port } : {}),
  };
}
