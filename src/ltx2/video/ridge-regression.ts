/**
 * Least squares with a penalty on the size of the coefficients: minimizes ‖X·B − Y‖² + penalty·‖B‖² for samples
 * `X [n, columns]` and targets `Y [n, outputs]`. Returns `B [columns, outputs]`.
 */
export function solveRidge(
  X: Float64Array,
  columns: number,
  Y: Float64Array,
  outputs: number,
  penalty: number,
): Float64Array {
  const n = X.length / columns;
  const normal = new Float64Array(columns * columns); // XᵀX + penalty·I
  const B = new Float64Array(columns * outputs); // XᵀY, then the solution
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = i === j ? penalty : 0;
      for (let sample = 0; sample < n; sample++) sum += at(X, sample * columns + i) * at(X, sample * columns + j);
      normal[i * columns + j] = sum;
    }
    for (let output = 0; output < outputs; output++) {
      let sum = 0;
      for (let sample = 0; sample < n; sample++) sum += at(X, sample * columns + i) * at(Y, sample * outputs + output);
      B[i * outputs + output] = sum;
    }
  }
  factorize(normal, columns);
  for (let output = 0; output < outputs; output++) substitute(normal, columns, B, outputs, output);
  return B;
}

/** Cholesky factor of a symmetric positive definite matrix, in its lower triangle. */
function factorize(matrix: Float64Array, size: number): void {
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = at(matrix, i * size + j);
      for (let k = 0; k < j; k++) rest -= at(matrix, i * size + k) * at(matrix, j * size + k);
      matrix[i * size + j] = i === j ? Math.sqrt(rest) : rest / at(matrix, j * size + j);
    }
  }
}

/** Solves L·Lᵀ·b = b in place for one column of `B`. */
function substitute(L: Float64Array, size: number, B: Float64Array, outputs: number, output: number): void {
  for (let i = 0; i < size; i++) {
    let rest = at(B, i * outputs + output);
    for (let k = 0; k < i; k++) rest -= at(L, i * size + k) * at(B, k * outputs + output);
    B[i * outputs + output] = rest / at(L, i * size + i);
  }
  for (let i = size - 1; i >= 0; i--) {
    let rest = at(B, i * outputs + output);
    for (let k = i + 1; k < size; k++) rest -= at(L, k * size + i) * at(B, k * outputs + output);
    B[i * outputs + output] = rest / at(L, i * size + i);
  }
}

function at(values: Float64Array, index: number): number {
  return values[index] ?? 0;
}
