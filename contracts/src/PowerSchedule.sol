// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title How voting power moves from what it was to what it shall be, a bounded part a block
/// @notice A light client that trusts the set of one height accepts a later one only while the sets overlap, so no block
/// may change too much power at once. Every power `i` goes on a straight line from `from[i]` to `to[i]`; all share one
/// progress `f` in 0..ONE, and a block moves `f` as far as CHURN (3/10) of the power *before* that block allows:
///
///     sum over i of |V(h)[i] - V(h-1)[i]|  <=  3/10 * sum over i of V(h-1)[i]  (+ rounding)  <  1/3 * the same sum
///
/// A validator with at most 3/10 of the power therefore comes or goes in a single block, and what is bigger takes a few:
/// the total can grow by 3/10 or shrink by 3/10 each block, so even a factor of a million takes about fifty blocks.
/// @dev Nothing has to be called at a block's end: `V(h)` is a function of storage and of the height alone.
/// Rounding moves each power by less than two units a block; with at most 100 validators and a total of at least 1e6
/// units that is under 1/5000 of the total, well within the room between 3/10 and 1/3.
library PowerSchedule {
    /// @notice The whole way.
    uint256 internal constant ONE = 1e18;
    /// @notice Share of the total that may change in a block, as a fraction: 3/10, so that rounding stays under 1/3.
    uint256 internal constant CHURN_NUMERATOR = 3;
    /// @notice See CHURN_NUMERATOR.
    uint256 internal constant CHURN_DENOMINATOR = 10;

    /// @notice A movement of all powers.
    /// @param base the last height at which every power still is its `from`
    /// @param sumFrom sum of all `from`
    /// @param sumTo sum of all `to`
    /// @param distance sum of all |to - from|; zero when nothing moves
    struct Schedule {
        uint64 base;
        uint64 sumFrom;
        uint64 sumTo;
        uint64 distance;
    }

    /// @notice How far the movement is after the block `height`, in 0..ONE.
    /// @dev The loop ends when the way is done, after at most about 120 rounds from the smallest total to the greatest.
    function progress(Schedule memory schedule, uint256 height) internal pure returns (uint256 done) {
        if (schedule.distance == 0) return ONE;
        if (height <= schedule.base) return 0;
        for (uint256 blocks = height - schedule.base; blocks != 0; --blocks) {
            uint256 total = powerAt(schedule.sumFrom, schedule.sumTo, done);
            done += (ONE * CHURN_NUMERATOR * total) / (CHURN_DENOMINATOR * schedule.distance);
            if (done >= ONE) return ONE;
        }
    }

    /// @notice The power of one that goes `from` → `to`, when `done` of the way lies behind it.
    function powerAt(uint64 from, uint64 to, uint256 done) internal pure returns (uint64) {
        // The quotient is at most |to - from|, so it fits.
        // forge-lint: disable-next-item(unsafe-typecast)
        return to >= from
            ? from + uint64((uint256(to - from) * done) / ONE)
            : from - uint64((uint256(from - to) * done) / ONE);
    }

    /// @notice |a - b|.
    function gap(uint64 a, uint64 b) internal pure returns (uint64) {
        return a >= b ? a - b : b - a;
    }
}
