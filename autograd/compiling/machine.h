/* The machine: how a section of code runs on one block of samples.

   There are two memories. A slot of the steady memory holds one number; a slot of the lanes holds one number per sample of a
   block, side by side. Code is a list of runs. A run holds an operation, the number of steps, and the operands of every step; or,
   with the number of steps negated, a start and a stride for each operand. The section of blocks runs on the lanes, the other
   sections run on the steady memory. */

#include <stddef.h>

#include "functions.h"
#include "opcodes.h" /* written by setup.py from the table of functions */

/* Operations that move numbers. param: a parameter to a steady slot; seed: 1/samples to a steady slot; spread: a steady number to
   all lanes of a slot; input: a column of an input to a slot; output: a slot to a row of the outputs; result: a steady number to
   the results; cost: a steady number to the cost. total adds the samples of a slot to a steady number, total product those of the
   product of two slots. */
#define MOVES(X) \
    X("param", PARAM, , ) X("seed", SEED, , ) X("spread", SPREAD, , ) X("input", INPUT, , ) X("total", TOTAL, , ) \
    X("total product", TOTAL_PRODUCT, , ) X("output", OUTPUT, , ) X("result", RESULT, , ) X("cost", COST, , )
#define MATRICES(X) X("product", PRODUCT, , ) X("gradient", GRADIENT, , )
#define DOTS(X) X("dot", DOT, , ) X("terms", TERMS, , )
#define FUSED(X) X("fma", FMA, a + b * c, ) /* a term of a dot */
#define COPIED(X) X("copy", COPY, a, )

#define ALL(X) ONE_OPERAND(X) COPIED(X) TWO_OPERANDS(X) THREE_OPERANDS(X) FUSED(X) MOVES(X) MATRICES(X) DOTS(X)
#define CODE(name, code, expression, may_raise) code,
enum { ALL(CODE) OPERATIONS };
#define TEXT(name, code, expression, may_raise) name,
static const char *const NAMES[] = {ALL(TEXT)};
/* The kind of each operand: s, a slot of the section's memory; S, a steady slot; l, a slot of the lanes; p, a parameter; i and x,
   an input and its column; o, a row of the outputs; r, a result. */
#define KINDS_2(name, code, expression, may_raise) [code] = "ss",
#define KINDS_3(name, code, expression, may_raise) [code] = "sss",
#define KINDS_4(name, code, expression, may_raise) [code] = "ssss",
static const char *const KINDS[OPERATIONS] = { /* matrix products have a struct instead: see Product */
    ONE_OPERAND(KINDS_2) COPIED(KINDS_2) TWO_OPERANDS(KINDS_3) THREE_OPERANDS(KINDS_4) FUSED(KINDS_4)
    [PARAM] = "Sp", [SEED] = "S", [SPREAD] = "lS", [INPUT] = "six", [TOTAL] = "Ss", [TOTAL_PRODUCT] = "Sss", [OUTPUT] = "os",
    [RESULT] = "rS", [COST] = "S", [PRODUCT] = "", [GRADIENT] = "", [DOT] = "", /* see Dot */
    [TERMS] = "s",
};

/* A matrix in a memory: the place of its first entry, and the strides of rows and columns. */
typedef struct {
    int32_t memory, start, row, column;
} Matrix;
enum { PARAMETERS, STEADY, LANES, RESULTS }; /* memories */

/* product sets slot to + i·columns + j to Σ_k left[i, k] · right[k, j]. gradient adds Σ_k left[i, k] · right[k, j], summed over
   the samples of the block, to to[i, j], which the first block sets. */
typedef struct {
    int32_t rows, columns, inner;
    Matrix to, left, right;
} Product;
#define PRODUCT_SIZE ((ptrdiff_t)(sizeof(Product) / sizeof(int32_t)))

/* dot sets a slot to the sum of `count` products of slots with constant strides. */
typedef struct {
    int32_t to, left, left_step, right, right_step, count;
} Dot;
#define DOT_SIZE ((ptrdiff_t)(sizeof(Dot) / sizeof(int32_t)))

/* terms sets a slot to a sum of products of any slots. A run holds one: its number of steps is that of the slots that it names, the
   one of the sum and then two for each product. */

/* Return the number of int32 operands of one step. */
INLINE ptrdiff_t operands(int32_t operation) {
#define SIZE_MATRIX(name, code, expression, may_raise) case code: return PRODUCT_SIZE;
#define SIZE_2(name, code, expression, may_raise) case code: return 2;
#define SIZE_3(name, code, expression, may_raise) case code: return 3;
#define SIZE_4(name, code, expression, may_raise) case code: return 4;
    switch (operation) {
        ONE_OPERAND(SIZE_2) COPIED(SIZE_2) TWO_OPERANDS(SIZE_3) THREE_OPERANDS(SIZE_4) FUSED(SIZE_4)
        MATRICES(SIZE_MATRIX)
    case SEED: case COST: case TERMS: return 1;
    case INPUT: case TOTAL_PRODUCT: return 3;
    case DOT: return DOT_SIZE;
    default: return 2;
    }
}

typedef struct {
    const int32_t *code;
    ptrdiff_t length;
} Section;

/* An input: its data, the strides of columns and samples in bytes, and whether its numbers are floats, not doubles. */
typedef struct {
    const char *data;
    ptrdiff_t column, sample;
    int single;
} Input;

/* The memories and arrays of a block. The batch holds the samples offset, offset + 1, … of the inputs; with `rows` the samples
   rows[offset], rows[offset + 1], … */
typedef struct {
    double *steady, *lanes, *packed;
    const double *parameters;
    const Input *inputs;
    double *outputs, *results, cost;
    ptrdiff_t batch, start; /* number of samples, and the first one of the block */
    ptrdiff_t width;        /* lanes of a slot: one, or a multiple of 8 */
    ptrdiff_t samples;      /* of the block; the other lanes repeat the last one */
    ptrdiff_t offset;
    const int64_t *rows;
} Block;

#if defined(__GNUC__) && !defined(__clang__)
#define UNROLLED _Pragma("GCC unroll 8")
#define AS_IT_IS _Pragma("GCC unroll 1") _Pragma("GCC ivdep") /* an unrolled loop would not be vectorised */
#else
#define UNROLLED
#define AS_IT_IS
#endif
#define EACH(n) AS_IT_IS for (ptrdiff_t k = 0; k < (n); k++)

/* Eight numbers side by side. */
#if defined(__GNUC__)
typedef double Eight __attribute__((vector_size(64), aligned(8), may_alias));
#define LOAD(from) (*(const Eight *)(from))
#define ZERO ((Eight){0})
#define ADD_PRODUCT(to, x, eight) ((to) += (x) * (eight))
#define ADD_PRODUCTS(to, a, b) ((to) += (a) * (b))
#else
typedef struct { double of[8]; } Eight;
#define ZERO ((Eight){{0}})
INLINE Eight LOAD(const double *from) {
    Eight found;
    memcpy(&found, from, sizeof found);
    return found;
}
#define ADD_PRODUCT(to, x, eight) do { for (int e = 0; e < 8; e++) (to).of[e] += (x) * (eight).of[e]; } while (0)
#define ADD_PRODUCTS(to, a, b) do { Eight x = a, y = b; for (int e = 0; e < 8; e++) (to).of[e] += x.of[e] * y.of[e]; } while (0)
#endif

INLINE void store(double *to, Eight eight, ptrdiff_t n) {
    if (n >= 8) memcpy(to, &eight, sizeof eight);
    else memcpy(to, &eight, (size_t)n * sizeof(double));
}

/* Compute a tile of a product: `rows` rows and 8·eights columns, of which `width` are stored. The second eight columns of `right`
   are `beside` the first. */
INLINE void tile(int rows, int eights, double *to, ptrdiff_t pitch, ptrdiff_t width, const double *left, ptrdiff_t row,
                 ptrdiff_t column, ptrdiff_t inner, const double *right, ptrdiff_t stride, ptrdiff_t beside) {
    Eight sums[8][2];
    UNROLLED for (int i = 0; i < rows; i++) sums[i][0] = sums[i][1] = ZERO; /* not all of them by memset, which is slow */
    for (ptrdiff_t k = 0; k < inner; k++, right += stride, left += column) {
        Eight first = LOAD(right), second = first;
        if (eights > 1) second = LOAD(right + beside);
        UNROLLED for (int i = 0; i < rows; i++) {
            double x = left[i * row];
            ADD_PRODUCT(sums[i][0], x, first);
            if (eights > 1) ADD_PRODUCT(sums[i][1], x, second);
        }
    }
    UNROLLED for (int i = 0; i < rows; i++) {
        store(to + i * pitch, sums[i][0], width);
        if (eights > 1) store(to + i * pitch + 8, sums[i][1], width - 8);
    }
}

/* to[i, j] = Σ_k left[i, k] · right[k, j], where eight columns of `right` are consecutive, and the next eight `beside` them. */
INLINE void multiply(int tall, int wide, double *to, ptrdiff_t pitch, const double *left, ptrdiff_t row, ptrdiff_t column,
                     ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t inner, const double *right, ptrdiff_t stride, ptrdiff_t beside) {
    for (ptrdiff_t j = 0; j < columns;) {
        int eights = columns - j > 8 ? wide : 1;
        const double *from = right + j / 8 * beside;
        ptrdiff_t i = 0;
#define TILES(n) \
    for (; i + n <= rows; i += n) { \
        if (eights == 2) tile(n, 2, to + i * pitch + j, pitch, columns - j, left + i * row, row, column, inner, from, stride, beside); \
        else tile(n, 1, to + i * pitch + j, pitch, columns - j, left + i * row, row, column, inner, from, stride, beside); \
    }
        if (tall == 8) TILES(8)
        TILES(4)
        TILES(1)
        j += 8 * eights;
    }
}

INLINE double summed(Eight eight) {
    double x[8];
    memcpy(x, &eight, sizeof x);
    return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
}

/* The same for one column, whose numbers are consecutive. */
INLINE void multiply_column(double *to, const double *left, ptrdiff_t row, ptrdiff_t column, ptrdiff_t rows, ptrdiff_t inner,
                            const double *right) {
    ptrdiff_t i = 0;
    if (column == 1 && inner >= 8)
        for (; i < rows; i++, left += row) {
            Eight sum;
            memset(&sum, 0, sizeof sum);
            ptrdiff_t k = 0;
            double rest = 0.0;
            for (; k + 8 <= inner; k += 8) {
                ADD_PRODUCTS(sum, LOAD(left + k), LOAD(right + k));
            }
            for (; k < inner; k++) rest += left[k] * right[k];
            to[i] = summed(sum) + rest;
        }
    else if (row == 1) {
        for (; i + 8 <= rows; i += 8) {
            Eight sum;
            memset(&sum, 0, sizeof sum);
            for (ptrdiff_t k = 0; k < inner; k++) ADD_PRODUCT(sum, right[k], LOAD(left + i + k * column));
            store(to + i, sum, 8);
        }
        left += i;
    }
    for (; i < rows; i++, left += row) {
        double sum = 0.0;
        for (ptrdiff_t k = 0; k < inner; k++) sum += left[k * column] * right[k];
        to[i] = sum;
    }
}

INLINE void run_dot(const Dot *d, double *memory, ptrdiff_t width) {
    double *to = memory + d->to * width;
    ptrdiff_t down = d->left_step * width, across = d->right_step * width;
    const double *left = memory + d->left * width, *right = memory + d->right * width;
    if (width == 1 && across == 1) multiply_column(to, left, 0, down, 1, d->count, right);
    else if (width == 1) {
        double sum = 0.0;
        for (ptrdiff_t k = 0; k < d->count; k++) sum += left[k * down] * right[k * across];
        *to = sum;
    } else
        for (ptrdiff_t lane = 0; lane < width; lane += 8) {
            const double *x = left + lane, *y = right + lane;
            Eight sum = ZERO;
            for (int32_t i = 0; i < d->count; i++, x += down, y += across) ADD_PRODUCTS(sum, LOAD(x), LOAD(y));
            store(to + lane, sum, 8);
        }
}

INLINE void run_terms(const int32_t *at, ptrdiff_t n, double *memory, ptrdiff_t width) {
    double *to = memory + at[0] * width;
    if (width == 1) {
        double sum = 0.0;
        for (ptrdiff_t i = 1; i < n; i += 2) sum += memory[at[i]] * memory[at[i + 1]];
        *to = sum;
    } else
        for (ptrdiff_t lane = 0; lane < width; lane += 8) {
            Eight sum = ZERO;
            for (ptrdiff_t i = 1; i < n; i += 2)
                ADD_PRODUCTS(sum, LOAD(memory + at[i] * width + lane), LOAD(memory + at[i + 1] * width + lane));
            store(to + lane, sum, 8);
        }
}

/* Copy a matrix row by row, each padded with zeros to a multiple of 8; return the length of a row. */
INLINE ptrdiff_t pack(double *to, const double *from, ptrdiff_t row, ptrdiff_t column, ptrdiff_t rows, ptrdiff_t columns) {
    ptrdiff_t stride = (columns + 7) & ~(ptrdiff_t)7;
    for (ptrdiff_t i = 0; i < rows; i++) {
        for (ptrdiff_t j = 0; j < columns; j++) to[i * stride + j] = from[i * row + j * column];
        for (ptrdiff_t j = columns; j < stride; j++) to[i * stride + j] = 0.0;
    }
    return stride;
}

INLINE const double *numbers(const Block *block, Matrix matrix, ptrdiff_t width) {
    if (matrix.memory == LANES) return block->lanes + matrix.start * width;
    return (matrix.memory == STEADY ? block->steady : block->parameters) + matrix.start;
}

INLINE void run_product(int tall, int wide, const Product *p, Block *block, double *memory, ptrdiff_t width) {
    double *to = memory + p->to.start * width;
    const double *left = numbers(block, p->left, width), *right = memory + p->right.start * width;
    if (width == 1) {
        if (p->columns == 1) {
            if (p->right.row != 1) {
                for (ptrdiff_t k = 0; k < p->inner; k++) block->packed[k] = right[k * p->right.row];
                right = block->packed;
            }
            multiply_column(to, left, p->left.row, p->left.column, p->rows, p->inner, right);
            return;
        }
        ptrdiff_t stride = pack(block->packed, right, p->right.row, p->right.column, p->inner, p->columns);
        multiply(tall, wide, to, p->columns, left, p->left.row, p->left.column, p->rows, p->columns, p->inner, block->packed, stride, 8);
        return;
    }
    if (p->left.memory != LANES) {
        ptrdiff_t next = p->right.column * width, rest = width == 8 ? 1 : p->columns; /* several columns of eight lanes share a tile */
        for (ptrdiff_t j = 0; j < rest; j++)
            multiply(tall, wide, to + j * width, p->columns * width, left, p->left.row, p->left.column, p->rows,
                     p->columns / rest * width, p->inner, right + j * next, p->right.row * width, width == 8 ? next : 8);
        return;
    }
    for (int32_t i = 0; i < p->rows; i++) /* each sample has matrices of its own */
        for (int32_t j = 0; j < p->columns; j++) {
            Dot dot = {p->to.start + i * p->columns + j, p->left.start + i * p->left.row, p->left.column,
                       p->right.start + j * p->right.column, p->right.row, p->inner};
            run_dot(&dot, memory, width);
        }
}

/* Copy eight rows of eight numbers to eight columns. */
#if defined(__GNUC__)
typedef double Four __attribute__((vector_size(32), aligned(8), may_alias));
#if defined(__clang__)
#define PICKED(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef int64_t Places __attribute__((vector_size(32)));
#define PICKED(a, b, ...) __builtin_shuffle(a, b, (Places){__VA_ARGS__})
#endif
INLINE void transpose(double *to, ptrdiff_t stride, const double *from, ptrdiff_t apart) {
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 8; j += 4) {
            const Four *a = (const Four *)(from + i * apart + j), *b = (const Four *)((const double *)a + apart);
            const Four *c = (const Four *)((const double *)b + apart), *d = (const Four *)((const double *)c + apart);
            Four even = PICKED(*a, *b, 0, 4, 2, 6), odd = PICKED(*a, *b, 1, 5, 3, 7);
            Four evens = PICKED(*c, *d, 0, 4, 2, 6), odds = PICKED(*c, *d, 1, 5, 3, 7);
            double *into = to + j * stride + i;
            *(Four *)into = PICKED(even, evens, 0, 1, 4, 5);
            *(Four *)(into + stride) = PICKED(odd, odds, 0, 1, 4, 5);
            *(Four *)(into + 2 * stride) = PICKED(even, evens, 2, 3, 6, 7);
            *(Four *)(into + 3 * stride) = PICKED(odd, odds, 2, 3, 6, 7);
        }
}
#else
INLINE void transpose(double *to, ptrdiff_t stride, const double *from, ptrdiff_t apart) {
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++) to[j * stride + i] = from[i * apart + j];
}
#endif

/* Compute a tile of a gradient, of which `width` columns are stored: see `tile`. Each entry of `left` holds its samples. */
INLINE void gradient_tile(int rows, int eights, double *to, Matrix at, int first, ptrdiff_t width, const double *left, ptrdiff_t row,
                          ptrdiff_t column, ptrdiff_t inner, ptrdiff_t samples, const double *right, ptrdiff_t stride) {
    Eight sums[4][2];
    UNROLLED for (int i = 0; i < rows; i++) sums[i][0] = sums[i][1] = ZERO; /* not all of them by memset, which is slow */
    for (ptrdiff_t k = 0; k < inner; k++, left += column)
        for (ptrdiff_t s = 0; s < samples; s++, right += stride) {
            Eight one = LOAD(right), two = one;
            if (eights > 1) two = LOAD(right + 8);
            UNROLLED for (int i = 0; i < rows; i++) {
                double x = left[i * row + s];
                ADD_PRODUCT(sums[i][0], x, one);
                if (eights > 1) ADD_PRODUCT(sums[i][1], x, two);
            }
        }
    ptrdiff_t n = width < 8 * eights ? width : 8 * eights;
    UNROLLED for (int i = 0; i < rows; i++) {
        const double *sum = (const double *)sums[i];
        double *into = to + i * at.row;
        if (at.column == 1 && first) EACH(n) into[k] = sum[k];
        else if (at.column == 1) EACH(n) into[k] += sum[k];
        else for (ptrdiff_t k = 0; k < n; k++) into[k * at.column] = (first ? 0.0 : into[k * at.column]) + sum[k];
    }
}

INLINE void run_gradient(const Product *p, Block *block, ptrdiff_t width) {
    double *to = (p->to.memory == STEADY ? block->steady : block->results) + p->to.start;
    const double *left = block->lanes + p->left.start * width, *right = block->lanes + p->right.start * width;
    ptrdiff_t stride = (p->columns + 7) & ~(ptrdiff_t)7, samples = block->samples;
    double *packed = block->packed;
    if (width == 1 && p->right.column == 1 && p->columns == stride && p->inner == 1) packed = (double *)right;
    else
        for (ptrdiff_t k = 0; k < p->inner; k++)
            for (ptrdiff_t j = 0; j < stride; j += 8) { /* eight columns fill a cache line */
                const double *from = right + (k * p->right.row + j * p->right.column) * width;
                double *into = packed + k * samples * stride + j;
                ptrdiff_t apart = p->right.column * width, there = p->columns - j;
                if (there >= 8 && width > 1)
                    for (ptrdiff_t s = 0; s < samples; s += 8) transpose(into + s * stride, stride, from + s, apart);
                else
                    for (ptrdiff_t s = 0; s < samples; s++)
                        for (int e = 0; e < 8; e++) into[s * stride + e] = e < there ? from[e * apart + s] : 0.0;
            }
    int first = block->start == 0;
    ptrdiff_t row = p->left.row * width, column = p->left.column * width;
    for (ptrdiff_t j = 0; j < p->columns;) {
        int eights = p->columns - j > 8 ? 2 : 1;
        double *into = to + j * p->to.column;
        ptrdiff_t i = 0;
#define GRADIENT_TILES(n) \
    for (; i + n <= p->rows; i += n) { \
        if (eights == 2) \
            gradient_tile(n, 2, into + i * p->to.row, p->to, first, p->columns - j, left + i * row, row, column, p->inner, samples, \
                          packed + j, stride); \
        else \
            gradient_tile(n, 1, into + i * p->to.row, p->to, first, p->columns - j, left + i * row, row, column, p->inner, samples, \
                          packed + j, stride); \
    }
        GRADIENT_TILES(4)
        GRADIENT_TILES(1)
        j += 8 * eights;
    }
}

/* Run steps of an elementwise operation: as one loop if the slots of all operands are consecutive, else slot by slot. */
#define PLACE(j, operands) (n < 0 ? at[2 * (j)] + i * at[2 * (j) + 1] : at[i * (operands) + (j)])
#define SLOT(j, operands) (memory + (ptrdiff_t)PLACE(j, operands) * width)
#define FROM(j) (memory + (ptrdiff_t)at[2 * (j)] * width)
#define MOVES_BY(j, step) (at[2 * (j) + 1] == (step))
#define STEPS for (ptrdiff_t i = 0; i < steps; i++)
#define LANE_BY_LANE(count, ...) /* count: a multiple of 8, unless a slot is one number */ \
    if (width == 1) EACH(count) { __VA_ARGS__ } \
    else for (ptrdiff_t lane = 0; lane < (count); lane += 8) \
        AS_IT_IS for (ptrdiff_t k = lane; k < lane + 8; k++) { __VA_ARGS__ }
#define RUN_1(name, operation, expression, may_raise) \
    case operation: \
        if (n < 0 && MOVES_BY(0, 1) && MOVES_BY(1, 1)) { \
            double *to = FROM(0); \
            const double *A = FROM(1); \
            LANE_BY_LANE(steps * width, double a = A[k]; to[k] = expression;) \
        } else STEPS { \
            double *to = SLOT(0, 2); \
            const double *A = SLOT(1, 2); \
            LANE_BY_LANE(width, double a = A[k]; to[k] = expression;) \
        } \
        break;
#define RUN_2(name, operation, expression, may_raise) \
    case operation: \
        if (n < 0 && MOVES_BY(0, 1) && MOVES_BY(1, 1) && MOVES_BY(2, 1)) { \
            double *to = FROM(0); \
            const double *A = FROM(1), *B = FROM(2); \
            LANE_BY_LANE(steps * width, double a = A[k], b = B[k]; to[k] = expression;) \
        } else if (width == 1 && n < 0 && MOVES_BY(0, 1) && MOVES_BY(1, 1) && MOVES_BY(2, 0)) { \
            double *to = FROM(0), b = *FROM(2); \
            const double *A = FROM(1); \
            EACH(steps) { double a = A[k]; to[k] = expression; } \
        } else if (width == 1 && n < 0 && MOVES_BY(0, 1) && MOVES_BY(1, 0) && MOVES_BY(2, 1)) { \
            double *to = FROM(0), a = *FROM(1); \
            const double *B = FROM(2); \
            EACH(steps) { double b = B[k]; to[k] = expression; } \
        } else STEPS { \
            double *to = SLOT(0, 3); \
            const double *A = SLOT(1, 3), *B = SLOT(2, 3); \
            LANE_BY_LANE(width, double a = A[k], b = B[k]; to[k] = expression;) \
        } \
        break;
#define RUN_3(name, operation, expression, may_raise) \
    case operation: \
        if (n < 0 && MOVES_BY(0, 1) && MOVES_BY(1, 1) && MOVES_BY(2, 1) && MOVES_BY(3, 1)) { \
            double *to = FROM(0); \
            const double *A = FROM(1), *B = FROM(2), *C = FROM(3); \
            LANE_BY_LANE(steps * width, double a = A[k], b = B[k], c = C[k]; to[k] = expression;) \
        } else STEPS { \
            double *to = SLOT(0, 4); \
            const double *A = SLOT(1, 4), *B = SLOT(2, 4), *C = SLOT(3, 4); \
            LANE_BY_LANE(width, double a = A[k], b = B[k], c = C[k]; to[k] = expression;) \
        } \
        break;

/* Functions with a kernel in functions.h; for eight numbers with an exceptional one, the C library's function runs. */
#define KERNELS(X) \
    X(EXP, exp) X(EXPM1, expm1) X(TANH, tanh) X(LOG, log) X(LOG1P, log1p) X(SIN, sin) X(COS, cos)
#define RUN_KERNEL(operation, function) \
    case operation: { \
        int whole = n < 0 && MOVES_BY(0, 1) && MOVES_BY(1, 1); \
        ptrdiff_t runs = whole ? 1 : steps, count = whole ? steps * width : width; \
        for (ptrdiff_t i = 0; i < runs; i++) { \
            double *to = SLOT(0, 2); \
            const double *A = SLOT(1, 2); \
            ptrdiff_t left = count; \
            for (; left >= 8; left -= 8, to += 8, A += 8) { \
                int64_t unusual = 0; \
                EACH(8) unusual |= !function##_usual(A[k]); \
                if (!unusual) EACH(8) to[k] = fast_##function(A[k]); \
                else for (int k = 0; k < 8; k++) to[k] = function(A[k]); \
            } \
            for (; left > 0; left--, to++, A++) *to = function##_usual(*A) ? fast_##function(*A) : function(*A); \
        } \
        break; \
    }
#define RUN_KERNEL_2(operation, function) \
    case operation: \
        STEPS { \
            double *to = SLOT(0, 3); \
            const double *A = SLOT(1, 3), *B = SLOT(2, 3); \
            if (width == 1) *to = function##_usual(*A, *B) ? fast_##function(*A, *B) : function(*A, *B); \
            else for (ptrdiff_t lane = 0; lane < width; lane += 8, to += 8, A += 8, B += 8) { \
                int64_t unusual = 0; \
                EACH(8) unusual |= !function##_usual(A[k], B[k]); \
                if (!unusual) EACH(8) to[k] = fast_##function(A[k], B[k]); \
                else for (int k = 0; k < 8; k++) to[k] = function(A[k], B[k]); \
            } \
        } \
        break;

/* The sum of numbers, or of products of two, in eight parts. */
INLINE double sum_of(const double *A, ptrdiff_t n) {
    double sums[8] = {0}, rest = 0.0;
    ptrdiff_t whole = n & ~(ptrdiff_t)7;
    for (ptrdiff_t i = 0; i < whole; i += 8) EACH(8) sums[k] += A[i + k];
    for (ptrdiff_t i = whole; i < n; i++) rest += A[i];
    return whole ? summed(LOAD(sums)) + rest : rest;
}
INLINE double sum_of_products(const double *A, const double *B, ptrdiff_t n) {
    double sums[8] = {0}, rest = 0.0;
    ptrdiff_t whole = n & ~(ptrdiff_t)7;
    for (ptrdiff_t i = 0; i < whole; i += 8) EACH(8) sums[k] += A[i + k] * B[i + k];
    for (ptrdiff_t i = whole; i < n; i++) rest += A[i] * B[i];
    return whole ? summed(LOAD(sums)) + rest : rest;
}

/* Return whether all numbers are finite: zero times inf or nan is nan. */
INLINE int all_finite(const double *numbers, ptrdiff_t n) {
    double sums[32] = {0}, rest = 0.0;
    ptrdiff_t whole = n & ~(ptrdiff_t)31;
    for (ptrdiff_t i = 0; i < whole; i += 32) EACH(32) sums[k] += numbers[i + k] * 0.0;
    for (ptrdiff_t i = whole; i < n; i++) rest += numbers[i] * 0.0;
    EACH(32) rest += sums[k];
    return rest == 0.0;
}

INLINE double number_at(const char *at, int single) {
    float x;
    double y;
    if (single) memcpy(&x, at, sizeof x);
    else memcpy(&y, at, sizeof y);
    return single ? (double)x : y;
}

/* Copy columns, from `numbers` on, of samples that are not consecutive in memory: eight samples at a time, so that the cache lines
   of both sides are used up before they are evicted. */
INLINE void transpose_columns(double *to, ptrdiff_t columns, const char *numbers, const Input *input, const Block *block,
                              ptrdiff_t width, int single) {
    ptrdiff_t start = block->offset + block->start, last = block->samples - 1, lanes = width < 8 ? width : 8;
    const char *sample[8];
    for (ptrdiff_t lane = 0; lane < width; lane += 8) {
        for (ptrdiff_t k = 0; k < lanes; k++) {
            ptrdiff_t place = start + (lane + k < last ? lane + k : last);
            sample[k] = numbers + (block->rows ? block->rows[place] : place) * input->sample;
        }
        for (ptrdiff_t first = 0; first < columns; first += 8) {
            ptrdiff_t end = first + 8 < columns ? first + 8 : columns;
            for (ptrdiff_t k = 0; k < lanes; k++)
                for (ptrdiff_t i = first; i < end; i++)
                    to[i * width + lane + k] = number_at(sample[k] + i * input->column, single);
        }
    }
}

/* Round numbers to floats. */
INLINE void round_all(double *numbers, ptrdiff_t n) { EACH(n) numbers[k] = (float)numbers[k]; }

/* Copy consecutive columns of an input to consecutive slots; lanes beyond the samples repeat the last one. */
INLINE void take_columns(double *to, ptrdiff_t columns, ptrdiff_t from, const Input *input, const Block *block, ptrdiff_t width) {
    const char *numbers = input->data + from * input->column;
    ptrdiff_t start = block->offset + block->start, samples = block->samples;
    if (!block->rows && !input->single && input->sample == sizeof(double)) {
        for (ptrdiff_t i = 0; i < columns; i++, to += width) {
            memcpy(to, numbers + i * input->column + start * input->sample, (size_t)samples * sizeof(double));
            for (ptrdiff_t k = samples; k < width; k++) to[k] = to[samples - 1];
        }
        return;
    }
    if (input->single) transpose_columns(to, columns, numbers, input, block, width, 1);
    else transpose_columns(to, columns, numbers, input, block, width, 0);
}

/* Each of the following runs one run of code. Short operations are part of the loop over runs, `execute`, for a call would take as
   long as they do; the others are in functions of their own, because compilers are slow on long functions. */
#define TAKE_RUN \
    int32_t operation = run[0], n = run[1]; \
    ptrdiff_t steps = n < 0 ? -(ptrdiff_t)n : n; \
    const int32_t *at = run + 2;

INLINE void run_function(const int32_t *run, double *memory, ptrdiff_t width) {
    TAKE_RUN
    switch (operation) {
        KERNELS(RUN_KERNEL)
        RUN_KERNEL_2(POW, pow)
    default: switch (operation) { /* the rest, in a loop */
        ONE_OPERAND(RUN_1)
    }}
}

INLINE void run_move(const int32_t *run, Block *block, double *memory, ptrdiff_t width) {
    TAKE_RUN
    double *steady = block->steady;
    int first = block->start == 0;
    switch (operation) {
    case PARAM:
        STEPS steady[PLACE(0, 2)] = block->parameters[PLACE(1, 2)];
        break;
    case SEED:
        STEPS steady[PLACE(0, 1)] = 1.0 / (double)block->batch;
        break;
    case SPREAD:
        STEPS {
            double x = steady[PLACE(1, 2)], *to = block->lanes + PLACE(0, 2) * block->width;
            EACH(block->width) to[k] = x;
        }
        break;
    case INPUT:
        if (n < 0 && MOVES_BY(0, 1) && MOVES_BY(1, 0) && MOVES_BY(2, 1))
            take_columns(FROM(0), steps, at[4], block->inputs + at[2], block, width);
        else STEPS take_columns(SLOT(0, 3), 1, PLACE(2, 3), block->inputs + PLACE(1, 3), block, width);
        break;
    case TOTAL:
        STEPS {
            double sum = sum_of(SLOT(1, 2), block->samples);
            steady[PLACE(0, 2)] = (first ? 0.0 : steady[PLACE(0, 2)]) + sum;
        }
        break;
    case TOTAL_PRODUCT:
        STEPS {
            double sum = sum_of_products(SLOT(1, 3), SLOT(2, 3), block->samples);
            steady[PLACE(0, 3)] = (first ? 0.0 : steady[PLACE(0, 3)]) + sum;
        }
        break;
    case OUTPUT:
        STEPS {
            const double *A = SLOT(1, 2);
            memcpy(block->outputs + PLACE(0, 2) * block->batch + block->start, A, (size_t)block->samples * sizeof(double));
        }
        break;
    case RESULT:
        STEPS block->results[PLACE(0, 2)] = steady[PLACE(1, 2)];
        break;
    case COST:
        STEPS block->cost = steady[PLACE(0, 1)];
        break;
    }
}

/* A tile of a product has `tall` rows and 8·wide columns. */
INLINE void run_matrices(const int32_t *run, Block *block, double *memory, ptrdiff_t width, int tall, int wide) {
    TAKE_RUN
    switch (operation) {
    case PRODUCT:
        for (ptrdiff_t i = 0; i < steps; i++)
            run_product(tall, wide, (const Product *)(at + i * PRODUCT_SIZE), block, memory, width);
        break;
    case DOT:
        for (ptrdiff_t i = 0; i < steps; i++) run_dot((const Dot *)(at + i * DOT_SIZE), memory, width);
        break;
    case TERMS:
        run_terms(at, n, memory, width);
        break;
    case GRADIENT:
        for (ptrdiff_t i = 0; i < steps; i++) run_gradient((const Product *)(at + i * PRODUCT_SIZE), block, width);
        break;
    }
}

#define CASE(name, code, expression, may_raise) case code:

/* Run a section on a memory with slots of `width` numbers. */
INLINE void execute(Section section, Block *block, double *memory, ptrdiff_t width,
                    void (*function)(const int32_t *run, double *memory, ptrdiff_t width),
                    void (*move)(const int32_t *run, Block *block, double *memory, ptrdiff_t width),
                    void (*matrices)(const int32_t *run, Block *block, double *memory, ptrdiff_t width)) {
    const int32_t *end = section.code + section.length;
    for (const int32_t *run = section.code; run < end;) {
        TAKE_RUN
        switch (operation) {
            ONE_OPERAND(CASE) case POW: function(run, memory, width); break;
            MOVES(CASE) move(run, block, memory, width); break;
            MATRICES(CASE) DOTS(CASE) matrices(run, block, memory, width); break;
        default: switch (operation) {
            COPIED(RUN_1)
            TWO_OPERANDS(RUN_2)
            THREE_OPERANDS(RUN_3)
            FUSED(RUN_3)
        }}
        run += 2 + operands(operation) * (n < 0 ? 2 : steps);
    }
}
