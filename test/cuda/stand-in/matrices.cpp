// cuBLAS and cuBLASLt, which multiply nothing and count what they would. Their headers come with hundreds of megabytes, so the
// functions are declared by hand, with no more parameters than are looked at.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "device.h"

using standin::log;

namespace {

// Parameters that nobody looks at.
using Data = const void*;
using Type = int;
using Width = int;
using Stride = long long;

int multiplied(long long m, long long n, long long k, long long batch = 1) {
  log("gemm %lld %lld %lld %lld", m, n, k, batch);
  return 0;
}

int made(void** handle) {
  *handle = std::calloc(1, 256);
  return 0;
}

int destroyed(void* handle) {
  std::free(handle);
  return 0;
}

struct Layout {
  Type type;
  std::uint64_t rows, columns;
  std::int64_t width;
  std::int32_t batch;
};

struct Product {
  std::int32_t isTransposed;
};

constexpr int transposesFirst = 3;  // CUBLASLT_MATMUL_DESC_TRANSA
constexpr int batchCount = 5;       // CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT
constexpr std::size_t heuristicResultBytes = 96;

}  // namespace

extern "C" {

int cublasCreate_v2(void** handle) { return made(handle); }
int cublasDestroy_v2(void* handle) { return destroyed(handle); }
int cublasSetStream_v2() { return 0; }
int cublasSetMathMode() { return 0; }
int cublasGetMathMode(void*, int* mode) { return *mode = 0; }
const char* cublasGetStatusName(int) { return "CUBLAS_STATUS_SUCCESS"; }
const char* cublasGetStatusString(int) { return "success"; }

int cublasSgemm_v2(void*, int, int, int m, int n, int k) { return multiplied(m, n, k); }
int cublasDgemm_v2(void*, int, int, int m, int n, int k) { return multiplied(m, n, k); }
int cublasGemmEx(void*, int, int, int m, int n, int k) { return multiplied(m, n, k); }
int cublasSgemmBatched(void*, int, int, int m, int n, int k, Data, Data, Width, Data, Width, Data, Data, Width,
                       int batch) {
  return multiplied(m, n, k, batch);
}
int cublasDgemmBatched(void*, int, int, int m, int n, int k, Data, Data, Width, Data, Width, Data, Data, Width,
                       int batch) {
  return multiplied(m, n, k, batch);
}
int cublasSgemmStridedBatched(void*, int, int, int m, int n, int k, Data, Data, Width, Stride, Data, Width, Stride, Data,
                              Data, Width, Stride, int batch) {
  return multiplied(m, n, k, batch);
}
int cublasDgemmStridedBatched(void*, int, int, int m, int n, int k, Data, Data, Width, Stride, Data, Width, Stride, Data,
                              Data, Width, Stride, int batch) {
  return multiplied(m, n, k, batch);
}
int cublasGemmBatchedEx(void*, int, int, int m, int n, int k, Data, Data, Type, Width, Data, Type, Width, Data, Data,
                        Type, Width, int batch) {
  return multiplied(m, n, k, batch);
}
int cublasGemmStridedBatchedEx(void*, int, int, int m, int n, int k, Data, Data, Type, Width, Stride, Data, Type, Width,
                               Stride, Data, Data, Type, Width, Stride, int batch) {
  return multiplied(m, n, k, batch);
}
int cublasScopy_v2() { return 0; }
int cublasDcopy_v2() { return 0; }
int cublasSgeam() { return 0; }
int cublasDgeam() { return 0; }
int cublasSscal_v2() { return 0; }
int cublasSgetrfBatched() { return 0; }
int cublasDgetrfBatched() { return 0; }
int cublasSgetriBatched() { return 0; }
int cublasDgetriBatched() { return 0; }

int cublasLtCreate(void** handle) { return made(handle); }
int cublasLtDestroy(void* handle) { return destroyed(handle); }

int cublasLtMatrixLayoutCreate(Layout** layout, Type type, std::uint64_t rows, std::uint64_t columns,
                               std::int64_t width) {
  *layout = new Layout{type, rows, columns, width, 1};
  return 0;
}
int cublasLtMatrixLayoutSetAttribute(Layout* layout, int attribute, const void* value, std::size_t bytes) {
  if (attribute == batchCount) std::memcpy(&layout->batch, value, bytes);
  return 0;
}
int cublasLtMatrixLayoutDestroy(Layout* layout) {
  delete layout;
  return 0;
}

int cublasLtMatmulDescCreate(Product** product) {
  *product = new Product{0};
  return 0;
}
int cublasLtMatmulDescSetAttribute(Product* product, int attribute, const void* value, std::size_t bytes) {
  if (attribute == transposesFirst) std::memcpy(&product->isTransposed, value, bytes);
  return 0;
}
int cublasLtMatmulDescDestroy(Product* product) {
  delete product;
  return 0;
}
int cublasLtMatmul(void*, const Product* product, Data, Data, const Layout* a, Data, const Layout*, Data, Data,
                   const Layout*, void*, const Layout* d) {
  return multiplied(static_cast<long long>(d->rows), static_cast<long long>(d->columns),
                    static_cast<long long>(product->isTransposed ? a->rows : a->columns), d->batch);
}
int cublasLtMatmulAlgoGetHeuristic(void*, const Product*, const Layout*, const Layout*, const Layout*, const Layout*,
                                   void*, int, void* results, int* count) {
  std::memset(results, 0, heuristicResultBytes);
  *count = 1;
  return 0;
}
int cublasLtMatmulAlgoInit() { return 0; }
int cublasLtMatmulAlgoConfigSetAttribute() { return 0; }
int cublasLtMatmulPreferenceCreate(void** preference) { return made(preference); }
int cublasLtMatmulPreferenceSetAttribute() { return 0; }
int cublasLtMatmulPreferenceDestroy(void* preference) { return destroyed(preference); }
int cublasLtMatrixTransform() { return 0; }
int cublasLtMatrixTransformDescCreate(void** description) { return made(description); }
int cublasLtMatrixTransformDescDestroy(void* description) { return destroyed(description); }
}
