import { BlockList, isIP } from 'node:net';

/**
 * Whether a list as `NO_PROXY` has it names this host. Entries stand between commas or blanks: `*`, a domain, which
 * stands for its subdomains as well (a leading dot or `*.` changes nothing), an address, or a range such as
 * `10.0.0.0/8`; each but the last may have a port, which then has to match.
 * @param host name or address, IPv6 without brackets
 */
export function isExempt(host: string, port: number, list: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
    .some((entry) => entry === '*' || entryNames(entry, name, port));
}

function entryNames(entry: string, name: string, port: number): boolean {
  if (entry.includes('/')) return isInRange(entry, name);
  if (isIP(entry) !== 0) return isSameAddress(entry, name);
  const [, bracketed, plain, wanted] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(entry) ?? [];
  if (wanted !== undefined && Number(wanted) !== port) return false;
  if (bracketed !== undefined) return isSameAddress(bracketed, name);
  const domain = (plain ?? '').replace(/^\*?\./, '').replace(/\.$/, '');
  return domain !== '' && (name === domain || (isIP(name) === 0 && name.endsWith(`.${domain}`)));
}

function isSameAddress(entry: string, name: string): boolean {
  return isInRange(`${entry}/${isIP(entry) === 6 ? 128 : 32}`, name);
}

/** An entry that is no range names nothing. */
function isInRange(entry: string, name: string): boolean {
  const [net = '', prefix = ''] = entry.split('/');
  const family = isIP(net);
  const largest = family === 6 ? 128 : 32;
  if (family === 0 || family !== isIP(name) || !/^\d+$/.test(prefix) || Number(prefix) > largest)
    return false;
  const range = new BlockList();
  range.addSubnet(net, Number(prefix), family === 6 ? 'ipv6' : 'ipv4');
  return range.check(name, family === 6 ? 'ipv6' : 'ipv4');
}
