/**
 * A relay peer's host name is its relay key and its address (`…127-0-0-1.weft.internal`): the address says who it is, as
 * far as an address does.
 */
export function relayAddress(url: string): string {
  try {
    const { hostname, port, host } = new URL(url);
    const ip = /\.(\d{1,3}(?:-\d{1,3}){3})\.weft\.internal$/.exec(hostname)?.[1];
    return ip ? `${ip.replaceAll('-', '.')}:${port || '443'}` : host;
  } catch {
    return url;
  }
}
