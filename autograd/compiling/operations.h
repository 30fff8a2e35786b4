/* The operations of a tape, and how a section of its code runs on one block of samples. */

#include <stddef.h>

#include "functions.h"
#include "opcodes.h" /* the table of functions, as setup.py writes it */

#define LANES 16 /* samples of a block: measured, as are runs of one operation; 10,000 slots still fit the second cache */

/* Moving numbers: a slot from a constant, a parameter, 1/samples, or a column of an input; adding a slot to one, or the product
   of two, the samples of the block only; the sum of a slot's samples; a slot into a row of the outputs; its first number into
   the results. */
#define MOVES(X) \
    X("const", CONST, , ) X("param", PARAM, , ) X("seed", SEED, , ) X("total", TOTAL, , ) X("sum", SUM, , ) \
    X("output", OUTPUT, , ) X("result", RESULT, , ) X("input", INPUT, , ) X("total product", TOTAL_PRODUCT, , )
#define FUSED(X) X("fma", FMA, a + b * c, ) /* a term of a dot */

#define ALL(X) ONE_OPERAND(X) TWO_OPERANDS(X) THREE_OPERANDS(X) FUSED(X) MOVES(X)
#define CODE(name, code, expression, refused) code,
enum { ALL(CODE) OPERATIONS };
#define TEXT(name, code, expression, refused) name,
static const char *const NAMES[] = {ALL(TEXT)};
/* What each number of a step is: a slot; the place of a constant, parameter, input, column of it, row of the outputs, or
   result; or nothing. */
#define SHAPE_2(name, code, expression, refused) [code] = "ss",
#define SHAPE_3(name, code, expression, refused) [code] = "sss",
#define SHAPE_4(name, code, expression, refused) [code] = "ssss",
static const char *const SHAPES[OPERATIONS] = {
    ONE_OPERAND(SHAPE_2) TWO_OPERANDS(SHAPE_3) THREE_OPERANDS(SHAPE_4) FUSED(SHAPE_4)
    [CONST] = "sc", [PARAM] = "sp", [SEED] = "s-", [TOTAL] = "ss", [SUM] = "ss", [OUTPUT] = "os", [RESULT] = "rs",
    [INPUT] = "six", [TOTAL_PRODUCT] = "sss",
};

typedef struct {
    const int32_t *code;
    ptrdiff_t length;
} Section;

/* An input: a number for each of its columns and each sample of the batch, so many bytes apart. */
typedef struct {
    const char *data;
    ptrdiff_t column, sample;
} Input;

/* Where a block's numbers come from and go to. */
typedef struct {
    double *slots;
    const double *constants, *parameters;
    const Input *inputs;
    double *outputs, *results;
    ptrdiff_t batch, start; /* samples in all, and the first of the block */
    int samples;             /* of the block; its other lanes repeat the last */
} Block;

#define SAMPLES for (int k = 0; k < LANES; k++)
#if defined(__GNUC__) && !defined(__clang__)
#define EACH _Pragma("GCC unroll 1") SAMPLES /* unrolled, it would not become vectors */
#else
#define EACH SAMPLES
#endif
#define SLOT(i) (block.slots + (ptrdiff_t)at[i] * LANES)
#define RUN_1(name, operation, expression, refused) \
    case operation: \
        for (; n--; at += 2) { \
            double *restrict to = SLOT(0); \
            const double *A = SLOT(1); \
            EACH { double a = A[k]; to[k] = expression; } \
        } \
        break;
#define RUN_2(name, operation, expression, refused) \
    case operation: \
        for (; n--; at += 3) { \
            double *restrict to = SLOT(0); \
            const double *A = SLOT(1), *B = SLOT(2); \
            EACH { double a = A[k], b = B[k]; to[k] = expression; } \
        } \
        break;
#define RUN_3(name, operation, expression, refused) \
    case operation: \
        for (; n--; at += 4) { \
            double *restrict to = SLOT(0); \
            const double *A = SLOT(1), *B = SLOT(2), *C = SLOT(3); \
            EACH { double a = A[k], b = B[k], c = C[k]; to[k] = expression; } \
        } \
        break;
#define RUN_KERNEL(operation, function) \
    case operation: \
        for (; n--; at += 2) { \
            double *restrict to = SLOT(0); \
            const double *A = SLOT(1); \
            int64_t unusual = 0; \
            EACH unusual |= !function##_usual(A[k]); \
            if (!unusual) EACH to[k] = fast_##function(A[k]); \
            else SAMPLES to[k] = function(A[k]); \
        } \
        break;
#define RUN_KERNEL_2(operation, function) \
    case operation: \
        for (; n--; at += 3) { \
            double *restrict to = SLOT(0); \
            const double *A = SLOT(1), *B = SLOT(2); \
            int64_t unusual = 0; \
            EACH unusual |= !function##_usual(A[k], B[k]); \
            if (!unusual) EACH to[k] = fast_##function(A[k], B[k]); \
            else SAMPLES to[k] = function(A[k], B[k]); \
        } \
        break;

/* The functions that functions.h has a kernel for; where a block holds unusual numbers, the C library's runs. */
#define KERNELS(X) \
    X(EXP, exp) X(EXPM1, expm1) X(TANH, tanh) X(LOG, log) X(LOG1P, log1p) X(SIN, sin) X(COS, cos)

INLINE void execute(Section section, Block block) {
    const int32_t *at = section.code, *end = at + section.length;
    while (at < end) {
        int32_t operation = *at++, n = *at++;
        switch (operation) {
            KERNELS(RUN_KERNEL)
            RUN_KERNEL_2(POW, pow)
        default: switch (operation) { /* the rest, in a loop */
            ONE_OPERAND(RUN_1)
            TWO_OPERANDS(RUN_2)
            THREE_OPERANDS(RUN_3)
            FUSED(RUN_3)
        case CONST:
            for (; n--; at += 2) SAMPLES SLOT(0)[k] = block.constants[at[1]];
            break;
        case PARAM:
            for (; n--; at += 2) SAMPLES SLOT(0)[k] = block.parameters[at[1]];
            break;
        case SEED:
            for (; n--; at += 2) SAMPLES SLOT(0)[k] = 1.0 / (double)block.batch;
            break;
        case INPUT:
            for (; n--; at += 3) {
                const Input *input = block.inputs + at[1];
                const char *from = input->data + at[2] * input->column + block.start * input->sample;
                SAMPLES memcpy(SLOT(0) + k, from + (k < block.samples ? k : block.samples - 1) * input->sample, sizeof(double));
            }
            break;
        case TOTAL:
            for (; n--; at += 2)
                if (block.samples == LANES) EACH SLOT(0)[k] += SLOT(1)[k];
                else for (int k = 0; k < block.samples; k++) SLOT(0)[k] += SLOT(1)[k];
            break;
        case TOTAL_PRODUCT:
            for (; n--; at += 3)
                if (block.samples == LANES) EACH SLOT(0)[k] += SLOT(1)[k] * SLOT(2)[k];
                else for (int k = 0; k < block.samples; k++) SLOT(0)[k] += SLOT(1)[k] * SLOT(2)[k];
            break;
        case SUM:
            for (; n--; at += 2) {
                double sum = 0.0;
                SAMPLES sum += SLOT(1)[k];
                SAMPLES SLOT(0)[k] = sum;
            }
            break;
        case OUTPUT:
            for (; n--; at += 2)
                memcpy(block.outputs + at[0] * block.batch + block.start, SLOT(1), (size_t)block.samples * sizeof(double));
            break;
        case RESULT:
            for (; n--; at += 2) block.results[at[0]] = SLOT(1)[0];
            break;
        }}
    }
}
