import { number, percent } from '../../../figures';

/** How full a block is. A share below a percent is told by its digits: blocks are large. */
export function fullness(used: number, limit: number): string {
  const share = limit > 0 ? used / limit : 0;
  return share > 0 && share < 0.01 ? `${number(Math.max(share * 100, 0.001), 3)} %` : percent(share);
}
