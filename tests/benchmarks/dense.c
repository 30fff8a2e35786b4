/* Cost and gradient of a dense network with relu layers, as a person would write it in C: the limit that the benchmark quotes.
   Columns are samples, so the innermost loops run along the batch and vectorise; one output has the hinge loss, more have
   softmax cross-entropy. parts holds W1, b1, W2, b2 ... one after the other, and so does the gradient. */
#include <math.h>
#include <string.h>

double cost_and_gradient(int layers, const int *sizes, int B, const double *parts, const double *x, const double *y, double *gradient,
            double *work) {
  const double *a[16], *W[16], *b[16];
  double *z[17], *d[17], *dW[16], *db[16], cost = 0;
  a[0] = x;
  for (int l = 0; l < layers; l++) {
    int n = sizes[l], m = sizes[l + 1];
    W[l] = parts, b[l] = parts + m * n, parts += m * n + m;
    dW[l] = gradient, db[l] = gradient + m * n, gradient += m * n + m;
    z[l] = work, d[l] = work + m * B, work += 2 * m * B;
    for (int i = 0; i < m; i++) {
      double *row = z[l] + i * B;
      if (B == 1) {
        double sum = b[l][i];
        for (int j = 0; j < n; j++) sum += W[l][i * n + j] * a[l][j];
        row[0] = sum;
      } else {
        for (int s = 0; s < B; s++) row[s] = b[l][i];
        for (int j = 0; j < n; j++) {
          double w = W[l][i * n + j];
          const double *in = a[l] + j * B;
          for (int s = 0; s < B; s++) row[s] += w * in[s];
        }
      }
      if (l < layers - 1)
        for (int s = 0; s < B; s++) row[s] = row[s] > 0 ? row[s] : 0;
    }
    a[l + 1] = z[l];
  }
  int last = layers - 1, k = sizes[layers];
  if (k == 1) {
    for (int s = 0; s < B; s++) {
      double loss = 1 - y[s] * z[last][s];
      cost += loss > 0 ? loss : 0;
      d[last][s] = loss > 0 ? -y[s] / B : 0;
    }
  } else {
    double *top = work, *total = work + B;
    memcpy(top, z[last], B * sizeof *top);
    for (int i = 1; i < k; i++)
      for (int s = 0; s < B; s++) top[s] = z[last][i * B + s] > top[s] ? z[last][i * B + s] : top[s];
    memset(total, 0, B * sizeof *total);
    for (int i = 0; i < k; i++)
      for (int s = 0; s < B; s++) {
        double e = exp(z[last][i * B + s] - top[s]);
        cost -= y[i * B + s] * z[last][i * B + s];
        d[last][i * B + s] = e;
        total[s] += e;
      }
    for (int s = 0; s < B; s++) cost += top[s] + log(total[s]);
    for (int i = 0; i < k; i++)
      for (int s = 0; s < B; s++) d[last][i * B + s] = (d[last][i * B + s] / total[s] - y[i * B + s]) / B;
  }
  for (int l = last; l >= 0; l--) {
    int n = sizes[l], m = sizes[l + 1];
    for (int i = 0; i < m; i++) {
      const double *row = d[l] + i * B;
      double sum = 0;
      for (int s = 0; s < B; s++) sum += row[s];
      db[l][i] = sum;
      for (int j = 0; j < n; j++) {
        const double *in = a[l] + j * B;
        double product = 0;
        for (int s = 0; s < B; s++) product += row[s] * in[s];
        dW[l][i * n + j] = product;
      }
    }
    if (l > 0) {
      memset(d[l - 1], 0, (size_t)n * B * sizeof(double));
      for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
          double w = W[l][i * n + j];
          for (int s = 0; s < B; s++) d[l - 1][j * B + s] += w * d[l][i * B + s];
        }
      for (int s = 0; s < n * B; s++) d[l - 1][s] = z[l - 1][s] > 0 ? d[l - 1][s] : 0;
    }
  }
  return cost / B;
}

/* Steps of gradient descent in a row, on batches of B samples in columns, one after the other. */
double train(int steps, double rate, int layers, const int *sizes, int B, double *parts, const double *x, const double *y,
             double *gradient, double *work) {
  int n = 0;
  double cost = 0;
  for (int l = 0; l < layers; l++) n += (sizes[l] + 1) * sizes[l + 1];
  for (int k = 0; k < steps; k++) {
    cost = cost_and_gradient(layers, sizes, B, parts, x, y, gradient, work);
    for (int i = 0; i < n; i++) parts[i] -= rate * gradient[i];
  }
  return cost;
}
