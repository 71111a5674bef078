import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { fail } from './failure.ts';

/**
 * Which addresses a side lets itself be sent to: the control plane by what people type into it, an agent by the
 * control plane. Its own host and the metadata services of clouds trust whoever reaches them, so these are refused
 * unless the operator allows it.
 */
export interface Outgoing {
  /** For sockets: looks a name up and refuses it where one of its addresses is not allowed. */
  lookup: LookupFunction;
  /** Refuses a host that is an address itself, for which no lookup is made. @throws FailureError `forbidden` */
  requireHost(host: string): void;
}

/** @param allowLocal whether loopback and link-local addresses are allowed */
export function createOutgoing(allowLocal: boolean): Outgoing {
  const local = localAddresses();
  const allowed = (address: string) =>
    allowLocal || !local.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  return {
    lookup(hostname, options, callback) {
      lookup(hostname, { ...options, all: true }, (error, addresses) => {
        if (error) return callback(error, []);
        const refused = addresses.find(({ address }) => !allowed(address));
        if (refused) return callback(localEndpoint(`${hostname} (${refused.address})`), []);
        const first = addresses[0] as LookupAddress;
        return options.all ? callback(null, addresses) : callback(null, first.address, first.family);
      });
    },
    requireHost(host) {
      const address = host.replace(/^\[|\]$/g, '');
      if (isIP(address) !== 0 && !allowed(address)) throw localEndpoint(address);
    },
  };
}

function localAddresses(): BlockList {
  const list = new BlockList();
  list.addSubnet('0.0.0.0', 8, 'ipv4');
  list.addSubnet('127.0.0.0', 8, 'ipv4');
  list.addSubnet('169.254.0.0', 16, 'ipv4');
  list.addAddress('::', 'ipv6');
  list.addAddress('::1', 'ipv6');
  list.addSubnet('fe80::', 10, 'ipv6');
  // Metadata of AWS over IPv6, the one such address that is not link-local.
  list.addAddress('fd00:ec2::254', 'ipv6');
  return list;
}

function localEndpoint(what: string) {
  return fail(
    'forbidden',
    `${what} is an address of this host itself or of its link.`,
    'Name the server by an address that others reach it at. HOMEPORT_LOCAL_ENDPOINTS=allow lets the control plane use its own host.',
  );
}
