// cuDNN, which computes nothing. Its headers come with hundreds of megabytes, so the functions are declared by hand, with no more
// parameters than are looked at. Recurrent networks are not there.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "device.h"

using standin::log;

namespace {

constexpr int notSupported = 3000;

// What the handle and all descriptors are. A handle has a stream.
struct Thing {
  void* stream;
};

int made(Thing** thing) {
  *thing = new Thing{nullptr};
  return 0;
}

int destroyed(Thing* thing) {
  delete thing;
  return 0;
}

int computed(const char* what) {
  log("cudnn %s", what);
  return 0;
}

// Of a search for the fastest algorithm of a convolution: the first algorithm, which needs no workspace.
struct Performance {
  int algorithm, status;
  float milliseconds;
  std::size_t workspaceBytes;
  int determinism, mathType, reserved[3];
};

int found(int* count, Performance* results) {
  *results = {};
  *count = 1;
  return 0;
}

// Of the backend: attributes that are descriptors of what was found, and types of attributes.
constexpr int heuristicResults = 202;
constexpr int engineOfConfiguration = 300;
constexpr int int64Type = 3;
constexpr int int32Type = 23;

// Types of descriptors that tell what a graph computes: attention multiplies.
constexpr int convolutionOperation = 10;
constexpr int productOperation = 19;

// Whether the graph that was described last is a convolution.
thread_local bool isForConvolution = false;

}  // namespace

extern "C" {

std::size_t cudnnGetVersion() { return 91900; }
const char* cudnnGetErrorString(int status) { return status == 0 ? "CUDNN_STATUS_SUCCESS" : "CUDNN_STATUS_NOT_SUPPORTED"; }
void cudnnGetLastErrorString(char* text, std::size_t bytes) {
  if (bytes > 0) *text = '\0';
}

int cudnnCreate(Thing** handle) { return made(handle); }
int cudnnDestroy(Thing* handle) { return destroyed(handle); }
int cudnnSetStream(Thing* handle, void* stream) {
  handle->stream = stream;
  return 0;
}
int cudnnGetStream(const Thing* handle, void** stream) {
  *stream = handle->stream;
  return 0;
}

int cudnnCreateActivationDescriptor(Thing** thing) { return made(thing); }
int cudnnCreateConvolutionDescriptor(Thing** thing) { return made(thing); }
int cudnnCreateDropoutDescriptor(Thing** thing) { return made(thing); }
int cudnnCreateFilterDescriptor(Thing** thing) { return made(thing); }
int cudnnCreateLRNDescriptor(Thing** thing) { return made(thing); }
int cudnnCreatePoolingDescriptor(Thing** thing) { return made(thing); }
int cudnnCreateReduceTensorDescriptor(Thing** thing) { return made(thing); }
int cudnnCreateTensorDescriptor(Thing** thing) { return made(thing); }
int cudnnCreateRNNDescriptor(Thing** thing) { return made(thing); }
int cudnnCreateRNNDataDescriptor(Thing** thing) { return made(thing); }
int cudnnDestroyActivationDescriptor(Thing* thing) { return destroyed(thing); }
int cudnnDestroyConvolutionDescriptor(Thing* thing) { return destroyed(thing); }
int cudnnDestroyDropoutDescriptor(Thing* thing) { return destroyed(thing); }
int cudnnDestroyFilterDescriptor(Thing* thing) { return destroyed(thing); }
int cudnnDestroyLRNDescriptor(Thing* thing) { return destroyed(thing); }
int cudnnDestroyPoolingDescriptor(Thing* thing) { return destroyed(thing); }
int cudnnDestroyReduceTensorDescriptor(Thing* thing) { return destroyed(thing); }
int cudnnDestroyTensorDescriptor(Thing* thing) { return destroyed(thing); }
int cudnnDestroyRNNDescriptor(Thing* thing) { return destroyed(thing); }
int cudnnDestroyRNNDataDescriptor(Thing* thing) { return destroyed(thing); }

int cudnnSetActivationDescriptor() { return 0; }
int cudnnSetConvolutionGroupCount() { return 0; }
int cudnnSetConvolutionMathType() { return 0; }
int cudnnSetConvolutionNdDescriptor() { return 0; }
int cudnnSetDropoutDescriptor() { return 0; }
int cudnnSetFilterNdDescriptor() { return 0; }
int cudnnSetLRNDescriptor() { return 0; }
int cudnnSetPoolingNdDescriptor() { return 0; }
int cudnnSetReduceTensorDescriptor() { return 0; }
int cudnnSetTensorNdDescriptor() { return 0; }
int cudnnDeriveBNTensorDescriptor() { return 0; }

int cudnnFindConvolutionForwardAlgorithmEx(void*, void*, void*, void*, void*, void*, void*, void*, int, int* count,
                                           Performance* results) {
  return found(count, results);
}
int cudnnGetConvolutionForwardAlgorithm_v7(void*, void*, void*, void*, void*, int, int* count, Performance* results) {
  return found(count, results);
}
int cudnnGetConvolutionForwardWorkspaceSize(void*, void*, void*, void*, void*, int, std::size_t* bytes) {
  *bytes = 0;
  return 0;
}
int cudnnGetReductionWorkspaceSize(void*, void*, void*, void*, std::size_t* bytes) {
  *bytes = 0;
  return 0;
}
int cudnnGetReductionIndicesSize(void*, void*, void*, void*, std::size_t* bytes) {
  *bytes = 0;
  return 0;
}
int cudnnDropoutGetStatesSize(void*, std::size_t* bytes) {
  *bytes = 0;
  return 0;
}

int cudnnActivationForward() { return computed("activation"); }
int cudnnAddTensor() { return computed("add"); }
int cudnnBatchNormalizationForwardInference() { return computed("batch-normalization"); }
int cudnnBatchNormalizationForwardTraining() { return computed("batch-normalization"); }
int cudnnConvolutionBiasActivationForward() { return computed("convolution"); }
int cudnnConvolutionForward() { return computed("convolution"); }
int cudnnLRNCrossChannelForward() { return computed("local-response-normalization"); }
int cudnnPoolingForward() { return computed("pooling"); }
int cudnnReduceTensor() { return computed("reduction"); }
int cudnnSoftmaxForward() { return computed("softmax"); }

int cudnnGetRNNTempSpaceSizes() { return notSupported; }
int cudnnGetRNNWeightParams() { return notSupported; }
int cudnnGetTensorNdDescriptor() { return notSupported; }
int cudnnRNNForward() { return notSupported; }
int cudnnSetRNNDataDescriptor() { return notSupported; }
int cudnnSetRNNDescriptor_v8() { return notSupported; }

// The backend, of which the runtime asks a plan for attention or a convolution: one is found, with one engine without notes and
// choices that needs no memory.

int cudnnBackendCreateDescriptor(int type, Thing** descriptor) {
  if (type == convolutionOperation) isForConvolution = true;
  if (type == productOperation) isForConvolution = false;
  return made(descriptor);
}
int cudnnBackendDestroyDescriptor(Thing* descriptor) { return destroyed(descriptor); }
int cudnnBackendSetAttribute() { return 0; }
int cudnnBackendFinalize() { return 0; }
int cudnnBackendGetAttribute(const Thing*, int attribute, int type, std::int64_t, std::int64_t* count, void* values) {
  const bool isFound = attribute == heuristicResults || attribute == engineOfConfiguration;
  const bool isNumber = type == int64Type || type == int32Type;
  if (count != nullptr) *count = isNumber || (isFound && (isForConvolution || standin::settings().offersAttention));
  if (isNumber && values != nullptr) std::memset(values, 0, type == int64Type ? 8 : 4);
  return 0;
}
int cudnnBackendExecute() { return computed("attention"); }
}
