#include "device.h"

#include <cxxabi.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace standin {
namespace {

double numberFrom(const char* variable, double otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr || *text == '\0' ? otherwise : std::atof(text);
}

struct Block {
  std::size_t bytes;
  int device;
};

// Never destroyed: the runtime frees memory while the process ends.
struct Memory {
  std::mutex mutex;
  std::map<std::uintptr_t, Block> blocks;
  std::vector<std::size_t> used;
};

Memory& memory() {
  static auto* const all = [] {
    auto* made = new Memory;
    made->used.resize(static_cast<std::size_t>(settings().deviceCount));
    return made;
  }();
  return *all;
}

struct Kernels {
  std::mutex mutex;
  std::unordered_map<const void*, const char*> mangled;
  std::unordered_map<const void*, std::string> names;
};

Kernels& kernels() {
  static auto* const all = new Kernels;
  return *all;
}

std::string readable(const char* mangled) {
  int status = 0;
  char* text = abi::__cxa_demangle(mangled, nullptr, nullptr, &status);
  std::string name = status == 0 ? text : mangled;
  std::free(text);
  if (name.rfind("void ", 0) == 0) name.erase(0, 5);
  return name.substr(0, name.find_first_of("<("));
}

thread_local int device = 0;

}  // namespace

const Settings& settings() {
  static const Settings all{
      static_cast<int>(numberFrom("CUDA_STAND_IN_CAPABILITY", 90)),
      static_cast<std::size_t>(numberFrom("CUDA_STAND_IN_MEMORY_GB", 80) * (1ull << 30)),
      static_cast<int>(numberFrom("CUDA_STAND_IN_DEVICES", 1)),
      static_cast<int>(numberFrom("CUDA_STAND_IN_DRIVER", 13000)),
      static_cast<std::size_t>(numberFrom("CUDA_STAND_IN_LARGEST_COPY", 1e18)),
      numberFrom("CUDA_STAND_IN_CUDNN_ATTENTION", 1) != 0,
  };
  return all;
}

void log(const char* format, ...) {
  static const int file = [] {
    const char* path = std::getenv("CUDA_STAND_IN_LOG");
    return path == nullptr ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  }();
  if (file < 0) return;
  char line[512];
  std::va_list values;
  va_start(values, format);
  int length = std::vsnprintf(line, sizeof line - 1, format, values);
  va_end(values);
  if (length > static_cast<int>(sizeof line) - 2) length = sizeof line - 2;
  line[length++] = '\n';
  if (write(file, line, static_cast<std::size_t>(length)) != length) std::abort();
}

int fault(const char* function) {
  static const char* const path = std::getenv("CUDA_STAND_IN_FAULTS");
  if (path == nullptr) return 0;
  static std::mutex mutex;
  static auto* const counts = new std::map<std::string, long>;
  const std::lock_guard<std::mutex> guard(mutex);
  const long calls = (*counts)[function]++;
  std::FILE* const file = std::fopen(path, "r");
  if (file == nullptr) return 0;
  int result = 0;
  char line[256];
  while (result == 0 && std::fgets(line, sizeof line, file) != nullptr) {
    char name[128];
    int code = 0;
    long after = 0;
    if (std::sscanf(line, "%127s %d %ld", name, &code, &after) < 2) continue;
    if (std::strcmp(name, function) == 0 && calls >= after) result = code;
  }
  std::fclose(file);
  return result;
}

int currentDevice() { return device; }

void setCurrentDevice(int chosen) { device = chosen; }

void* allocate(std::size_t bytes) {
  Memory& all = memory();
  const std::size_t size = bytes == 0 ? 1 : bytes;
  const std::lock_guard<std::mutex> guard(all.mutex);
  std::size_t& used = all.used[static_cast<std::size_t>(device)];
  if (used + size > settings().memoryBytes) {
    log("refused %d %zu %zu", device, size, used);
    return nullptr;
  }
  void* const start = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return nullptr;
  all.blocks[reinterpret_cast<std::uintptr_t>(start)] = {size, device};
  used += size;
  log("malloc %d %zu %zu", device, size, used);
  return start;
}

void release(void* pointer) {
  Memory& all = memory();
  const std::lock_guard<std::mutex> guard(all.mutex);
  const auto found = all.blocks.find(reinterpret_cast<std::uintptr_t>(pointer));
  if (found == all.blocks.end()) return;
  const Block block = found->second;
  munmap(pointer, block.bytes);
  all.blocks.erase(found);
  std::size_t& used = all.used[static_cast<std::size_t>(block.device)];
  used -= block.bytes;
  log("free %d %zu %zu", block.device, block.bytes, used);
}

std::size_t freeBytes() {
  Memory& all = memory();
  const std::lock_guard<std::mutex> guard(all.mutex);
  return settings().memoryBytes - all.used[static_cast<std::size_t>(device)];
}

int deviceOf(const void* pointer) {
  Memory& all = memory();
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  const std::lock_guard<std::mutex> guard(all.mutex);
  auto next = all.blocks.upper_bound(address);
  if (next == all.blocks.begin()) return -1;
  --next;
  return address < next->first + next->second.bytes ? next->second.device : -1;
}

void nameKernel(const void* function, const char* mangled) {
  Kernels& all = kernels();
  const std::lock_guard<std::mutex> guard(all.mutex);
  all.mangled[function] = mangled;
}

void logLaunch(const void* function) {
  Kernels& all = kernels();
  const std::lock_guard<std::mutex> guard(all.mutex);
  std::string& name = all.names[function];
  if (name.empty()) {
    const auto found = all.mangled.find(function);
    name = found == all.mangled.end() ? "unnamed" : readable(found->second);
  }
  log("launch %s", name.c_str());
}

}  // namespace standin
