/* The operations of a tape, and how a section of its code runs on one block of samples. */

#include <stddef.h>

#include "functions.h"

#define LANES 16 /* samples of a block: measured, as are runs of one operation; 10,000 slots still fit the second cache */

/* The operations on numbers: NAME(operation as the scalar program calls it, its code, an expression of a, b and c). */
#define ONE_OPERAND(NAME) \
    NAME("neg", NEG, -a) \
    NAME("abs", ABS, fabs(a)) \
    NAME("sqrt", SQRT, sqrt(a)) \
    NAME("log2", LOG2, log2(a)) \
    NAME("log10", LOG10, log10(a)) \
    NAME("tan", TAN, tan(a)) \
    NAME("asin", ASIN, asin(a)) \
    NAME("acos", ACOS, acos(a)) \
    NAME("atan", ATAN, atan(a)) \
    NAME("sinh", SINH, sinh(a)) \
    NAME("cosh", COSH, cosh(a)) \
    NAME("asinh", ASINH, asinh(a)) \
    NAME("acosh", ACOSH, acosh(a)) \
    NAME("atanh", ATANH, atanh(a))
#define TWO_OPERANDS(NAME) \
    NAME("add", ADD, a + b) \
    NAME("sub", SUB, a - b) \
    NAME("mul", MUL, a * b) \
    NAME("div", DIV, a / b) \
    NAME("<", LESS, a < b ? 1.0 : 0.0) \
    NAME("<=", LESS_EQUAL, a <= b ? 1.0 : 0.0) \
    NAME(">", GREATER, a > b ? 1.0 : 0.0) \
    NAME(">=", GREATER_EQUAL, a >= b ? 1.0 : 0.0) \
    NAME("maximum", MAXIMUM, ((a > b) | (a != a)) ? a : b) \
    NAME("minimum", MINIMUM, ((a < b) | (a != a)) ? a : b) \
    NAME("atan2", ATAN2, atan2(a, b)) \
    NAME("hypot", HYPOT, hypot(a, b))
#define THREE_OPERANDS(NAME) \
    NAME("where", WHERE, a != 0.0 ? b : c) \
    NAME("fma", FMA, a + b * c)
/* Those of functions.h; where a block holds unusual numbers, the C library's. */
#define FUNCTIONS(NAME) \
    NAME("exp", EXP, exp) \
    NAME("expm1", EXPM1, expm1) \
    NAME("tanh", TANH, tanh) \
    NAME("log", LOG, log) \
    NAME("log1p", LOG1P, log1p) \
    NAME("sin", SIN, sin) \
    NAME("cos", COS, cos)
#define FUNCTIONS_2(NAME) NAME("pow", POW, pow)
/* Moving numbers: a slot from a constant, a parameter, 1/samples, or a column of an input; adding a slot to one, or the product
   of two, the samples of the block only; the sum of a slot's samples; a slot into a row of the outputs; its first number into
   the results. */
#define MOVES_1(NAME) \
    NAME("const", CONST, ) NAME("param", PARAM, ) NAME("seed", SEED, ) NAME("total", TOTAL, ) NAME("sum", SUM, ) \
    NAME("output", OUTPUT, ) NAME("result", RESULT, )
#define MOVES_2(NAME) NAME("input", INPUT, ) NAME("total product", TOTAL_PRODUCT, )

#define ALL(NAME) \
    ONE_OPERAND(NAME) FUNCTIONS(NAME) MOVES_1(NAME) TWO_OPERANDS(NAME) FUNCTIONS_2(NAME) MOVES_2(NAME) THREE_OPERANDS(NAME)
#define CODE(name, code, expression) code,
enum { ALL(CODE) OPERATIONS };
#define TEXT(name, code, expression) name,
static const char *const NAMES[] = {ALL(TEXT)};
/* What each number of a step is: a slot; the place of a constant, parameter, input, column of it, row of the outputs, or
   result; or nothing. */
#define SHAPE_2(name, code, expression) [code] = "ss",
#define SHAPE_3(name, code, expression) [code] = "sss",
#define SHAPE_4(name, code, expression) [code] = "ssss",
static const char *const SHAPES[OPERATIONS] = {
    ONE_OPERAND(SHAPE_2) FUNCTIONS(SHAPE_2) TWO_OPERANDS(SHAPE_3) FUNCTIONS_2(SHAPE_3) THREE_OPERANDS(SHAPE_4)
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
#define RUN_1(name, operation, expression) \
    case operation: \
        for (; n--; at += 2) { \
            double *restrict to = SLOT(0); \
            const double *A = SLOT(1); \
            EACH { double a = A[k]; to[k] = expression; } \
        } \
        break;
#define RUN_2(name, operation, expression) \
    case operation: \
        for (; n--; at += 3) { \
            double *restrict to = SLOT(0); \
            const double *A = SLOT(1), *B = SLOT(2); \
            EACH { double a = A[k], b = B[k]; to[k] = expression; } \
        } \
        break;
#define RUN_3(name, operation, expression) \
    case operation: \
        for (; n--; at += 4) { \
            double *restrict to = SLOT(0); \
            const double *A = SLOT(1), *B = SLOT(2), *C = SLOT(3); \
            EACH { double a = A[k], b = B[k], c = C[k]; to[k] = expression; } \
        } \
        break;
#define RUN_FUNCTION(name, operation, function) \
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
#define RUN_FUNCTION_2(name, operation, function) \
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

INLINE void execute(Section section, Block block) {
    const int32_t *at = section.code, *end = at + section.length;
    while (at < end) {
        int32_t operation = *at++, n = *at++;
        switch (operation) {
            ONE_OPERAND(RUN_1)
            TWO_OPERANDS(RUN_2)
            THREE_OPERANDS(RUN_3)
            FUNCTIONS(RUN_FUNCTION)
            FUNCTIONS_2(RUN_FUNCTION_2)
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
        }
    }
}
