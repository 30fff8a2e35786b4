/* Elementary functions without branches, so that a compiler turns a loop over samples into vector instructions.

   Each holds to 2 units in the last place on the numbers that its `_usual` names; outside of them, where infinities, signs
   and errors are decided, the C library's own is called. What is reduced to a small argument is a Taylor series. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif

#define LN2_HIGH 0x1.62e42feep-1 /* its last bits are zero, so that a whole number times it is exact */
#define LN2_LOW 0x1.a39ef35793c76p-33
#define HALF_PI_HIGH 0x1.921fb544p+0
#define HALF_PI_MIDDLE 0x1.0b4611a6p-34
#define HALF_PI_LOW 0x1.3198a2e037073p-69
#define SHIFT 0x1.8p52 /* added to a number, it leaves no bits for what is behind the point */

INLINE int64_t bits(double x) {
    int64_t found;
    memcpy(&found, &x, sizeof found);
    return found;
}

INLINE double number(int64_t x) {
    double found;
    memcpy(&found, &x, sizeof found);
    return found;
}

/* The integers k here are doubles, |k| < 2**31: the last bits of k + SHIFT are theirs. */
INLINE double nearest(double x) { return (x + SHIFT) - SHIFT; }
INLINE double power_of_2(double k) { return number((int64_t)((uint64_t)bits(k + (SHIFT + 1023.0)) << 52)); }

/* (e**r - 1 - r) / r**2 for |r| <= ln(2)/2 */
INLINE double exp_series(double r) {
    double sum = 1 / 6227020800.0;
    sum = sum * r + 1 / 479001600.0;
    sum = sum * r + 1 / 39916800.0;
    sum = sum * r + 1 / 3628800.0;
    sum = sum * r + 1 / 362880.0;
    sum = sum * r + 1 / 40320.0;
    sum = sum * r + 1 / 5040.0;
    sum = sum * r + 1 / 720.0;
    sum = sum * r + 1 / 120.0;
    sum = sum * r + 1 / 24.0;
    sum = sum * r + 1 / 6.0;
    return sum * r + 1 / 2.0;
}

/* e**x = 2**k e**r with x = k ln 2 + r */
INLINE int exp_usual(double x) { return fabs(x) <= 708.0; }
INLINE double fast_exp(double x) {
    double k = nearest(x * 1.4426950408889634);
    double r = (x - k * LN2_HIGH) - k * LN2_LOW;
    return (1.0 + (r + r * r * exp_series(r))) * power_of_2(k);
}

/* 2**k (e**r - 1) + (2**k - 1), with what rounding takes from r */
INLINE int expm1_usual(double x) { return fabs(x) <= 708.0; }
INLINE double fast_expm1(double x) {
    double k = nearest(x * 1.4426950408889634);
    double high = x - k * LN2_HIGH, low = k * LN2_LOW, r = high - low, lost = (high - r) - low;
    double scale = power_of_2(k);
    return scale * (r + (r * r * exp_series(r) + lost)) + (scale - 1.0);
}

/* 1 - 2 / (e**2x + 1), and near 0 the quotient of two series: tanh = x - x (cosh - sinh/x) / cosh */
INLINE int tanh_usual(double x) { return x == x; }
INLINE double fast_tanh(double x) {
    double size = fabs(x) < 22.0 ? fabs(x) : 22.0, z = size * size;
    double difference = 16 / 355687428096000.0, cosh = 1 / 87178291200.0;
    difference = difference * z + 14 / 1307674368000.0;
    difference = difference * z + 12 / 6227020800.0;
    difference = difference * z + 10 / 39916800.0;
    difference = difference * z + 8 / 362880.0;
    difference = difference * z + 6 / 5040.0;
    difference = difference * z + 4 / 120.0;
    difference = difference * z + 2 / 6.0;
    cosh = cosh * z + 1 / 479001600.0;
    cosh = cosh * z + 1 / 3628800.0;
    cosh = cosh * z + 1 / 40320.0;
    cosh = cosh * z + 1 / 720.0;
    cosh = cosh * z + 1 / 24.0;
    cosh = cosh * z + 1 / 2.0;
    cosh = cosh * z + 1.0;
    double rest = size < 0.6 ? size * z * difference : 2.0;
    double divisor = size < 0.6 ? cosh : fast_exp(2.0 * size) + 1.0;
    return copysign((size < 0.6 ? size : 1.0) - rest / divisor, x);
}

/* x = 2**k m, with m from sqrt(1/2) to sqrt(2). Unsigned, because pow asks for the exponent of numbers that have none. */
INLINE uint64_t exponent_bits(double x) {
    return ((uint64_t)bits(x) - (uint64_t)bits(0.70710678118654752440)) & ~UINT64_C(0xfffffffffffff);
}
INLINE double mantissa(double x) { return number((int64_t)((uint64_t)bits(x) - exponent_bits(x))); }
INLINE double exponent(double x) {
    return number((int64_t)(exponent_bits(x) >> 52 ^ 0x800) + bits(SHIFT)) - (SHIFT + 0x800);
}

/* log x = k ln 2 + log m, and log m = 2 artanh((m - 1) / (m + 1)) */
INLINE int log_usual(double x) { return (x >= 0x1p-1022) & (x <= 0x1p1023); }
INLINE double fast_log(double x) {
    double k = exponent(x), f = mantissa(x) - 1.0, s = f / (2.0 + f), z = s * s, half_square = 0.5 * f * f;
    double sum = 2 / 25.0;
    sum = sum * z + 2 / 23.0;
    sum = sum * z + 2 / 21.0;
    sum = sum * z + 2 / 19.0;
    sum = sum * z + 2 / 17.0;
    sum = sum * z + 2 / 15.0;
    sum = sum * z + 2 / 13.0;
    sum = sum * z + 2 / 11.0;
    sum = sum * z + 2 / 9.0;
    sum = sum * z + 2 / 7.0;
    sum = sum * z + 2 / 5.0;
    sum = sum * z + 2 / 3.0;
    return k * LN2_HIGH - ((half_square - (s * (half_square + sum * z) + k * LN2_LOW)) - f);
}

/* log(1 + x), with what rounding takes from 1 + x */
INLINE int log1p_usual(double x) { return (x > -1.0) & (x <= 0x1p1000); }
INLINE double fast_log1p(double x) {
    double one_more = 1.0 + x;
    return fast_log(one_more) + (x - (one_more - 1.0)) / one_more;
}

/* The sine of x + turns quarter turns: x = k pi/2 + r + lost, and k says which series, and its sign. */
INLINE double sine(double x, int64_t turns) {
    double k = nearest(x * 0.63661977236758134);
    int64_t quarter = bits(k + SHIFT) + turns;
    double high = x - k * HALF_PI_HIGH, middle = k * HALF_PI_MIDDLE, most = high - middle;
    double low = ((high - most) - middle) - k * HALF_PI_LOW, r = most + low, lost = (most - r) + low, z = r * r;
    double sin = 1 / 355687428096000.0, cos = 1 / 20922789888000.0;
    sin = sin * z - 1 / 1307674368000.0;
    sin = sin * z + 1 / 6227020800.0;
    sin = sin * z - 1 / 39916800.0;
    sin = sin * z + 1 / 362880.0;
    sin = sin * z - 1 / 5040.0;
    sin = sin * z + 1 / 120.0;
    sin = sin * z - 1 / 6.0;
    sin = r + (z * r * sin + lost * (1.0 - 0.5 * z));
    cos = cos * z - 1 / 87178291200.0;
    cos = cos * z + 1 / 479001600.0;
    cos = cos * z - 1 / 3628800.0;
    cos = cos * z + 1 / 40320.0;
    cos = cos * z - 1 / 720.0;
    cos = cos * z + 1 / 24.0;
    double about = 1.0 - 0.5 * z;
    cos = about + (((1.0 - about) - 0.5 * z) + (z * z * cos - r * lost));
    return number(bits(quarter & 1 ? cos : sin) ^ (int64_t)((uint64_t)(quarter & 2) << 62));
}

INLINE int sin_usual(double x) { return fabs(x) <= 1e5; }
INLINE double fast_sin(double x) { return sine(x, 0); }
INLINE int cos_usual(double x) { return fabs(x) <= 1e5; }
INLINE double fast_cos(double x) { return sine(x, 1); }

/* A number in two halves of its digits, and what rounding takes from a product of two. */
INLINE double upper(double x) { return number(bits(x) & ~INT64_C(0x7ffffff)); }
INLINE double product_lost(double x, double y, double product) {
    double a = upper(x), b = x - a, c = upper(y), d = y - c;
    return ((a * c - product) + a * d + b * c) + b * d;
}

/* x**y = e**(y log x), where log x = k ln 2 + s (2 + z (2/3 + z (2/5 + ...))) as above, each step with what rounding takes */
INLINE int pow_usual(double x, double y) {
    return log_usual(x) & (fabs(y) * (fabs(exponent(x)) + 1.0) <= 1020.0);
}
INLINE double fast_pow(double x, double y) {
    double k = exponent(x), f = mantissa(x) - 1.0, d = 2.0 + f, s = f / d, sd = s * d;
    double s_lost = (((f - sd) - product_lost(s, d, sd)) - s * (f - (d - 2.0))) / d;
    double z = s * s, z_lost = product_lost(s, s, z) + 2.0 * s * s_lost;
    double sum = 2 / 23.0;
    sum = sum * z + 2 / 21.0;
    sum = sum * z + 2 / 19.0;
    sum = sum * z + 2 / 17.0;
    sum = sum * z + 2 / 15.0;
    sum = sum * z + 2 / 13.0;
    sum = sum * z + 2 / 11.0;
    sum = sum * z + 2 / 9.0;
    sum = sum * z + 2 / 7.0;
    sum = (sum * z + 2 / 5.0) * z;
    double q = 2 / 3.0 + sum, q_lost = ((2 / 3.0 - q) + sum) + 0x1.5555555555555p-55; /* 2/3 is that much more */
    double w = z * q, w_lost = product_lost(z, q, w) + z * q_lost + z_lost * q;
    double v = 2.0 + w, v_lost = ((2.0 - v) + w) + w_lost;
    double m = s * v, m_lost = product_lost(s, v, m) + s * v_lost + s_lost * v;
    double high = k * LN2_HIGH + m, low = ((k * LN2_HIGH - high) + m) + (m_lost + k * LN2_LOW);
    double log = high + low, log_lost = (high - log) + low;
    double p = y * log, p_lost = product_lost(y, log, p) + y * log_lost;
    double n = nearest(p * 1.4426950408889634);
    double r = (p - n * LN2_HIGH) - (n * LN2_LOW - p_lost);
    return (1.0 + (r + r * r * exp_series(r))) * power_of_2(n);
}
