// What the stand-in libraries share: settings, the memory of the devices, faults, and the log of what happened.
#pragma once
#include <cstddef>
#include <cstdint>

namespace standin {

// Of every device. Read from the environment when the library is loaded.
struct Settings {
  int capability;            // CUDA_STAND_IN_CAPABILITY: 90 is 9.0
  std::size_t memoryBytes;   // CUDA_STAND_IN_MEMORY_GB
  int deviceCount;           // CUDA_STAND_IN_DEVICES
  int driverVersion;         // CUDA_STAND_IN_DRIVER: 13000 is CUDA 13.0
  std::size_t largestCopy;  // CUDA_STAND_IN_LARGEST_COPY: larger ones to a device are counted, but not carried out
  bool offersAttention;      // CUDA_STAND_IN_CUDNN_ATTENTION: whether cuDNN has a plan for attention
};

const Settings& settings();

// Appends a line to the file CUDA_STAND_IN_LOG, if there is one. A line is written at once, so that none is lost in a crash and
// another process can read what happened so far.
void log(const char* format, ...) __attribute__((format(printf, 1, 2)));

// The error code that this function of the runtime has to return: the first line "FUNCTION CODE" or "FUNCTION CODE CALLS" of the
// file CUDA_STAND_IN_FAULTS that fits, once the function was called that many times; 0 for none. The file may change at any time.
int fault(const char* function);

int currentDevice();
void setCurrentDevice(int device);

// Memory of the current device; null when it has not as much left.
void* allocate(std::size_t bytes);
void release(void* memory);
std::size_t freeBytes();
// The device whose memory this is in; -1 for the host's.
int deviceOf(const void* pointer);

// The name of a kernel's function, without its parameters.
void nameKernel(const void* function, const char* mangled);
void logLaunch(const void* function);

}  // namespace standin
