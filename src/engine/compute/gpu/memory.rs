//! How much of its memory an adapter has to spare.

/// Memory on the adapter's own board, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeviceMemory {
    /// What the driver gives this process, less what it uses already.
    Free(u64),
    /// All that is there, whoever uses it.
    All(u64),
}

impl DeviceMemory {
    /// What a run may take. Others (the desktop, other programs) want their share, and drivers
    /// round up what they allocate.
    pub(super) fn share(self) -> u64 {
        match self {
            Self::Free(bytes) => bytes / 10 * 9,
            Self::All(bytes) => bytes / 4 * 3,
        }
    }
}

/// What the driver tells of the largest heap on the board: by `VK_EXT_memory_budget` what is free,
/// else its size. None where it has no such heap, or is none of Vulkan: wgpu itself has no call for
/// it.
#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    windows
))]
#[allow(unsafe_code)] // Vulkan's own calls, which only look at a physical device
pub(super) fn of(adapter: &wgpu::Adapter) -> Option<DeviceMemory> {
    use ash::vk;
    // SAFETY: nothing is destroyed; the guard keeps the adapter alive while it is looked at.
    let adapter = unsafe { adapter.as_hal::<wgpu::hal::api::Vulkan>() }?;
    let shared = adapter.shared_instance();
    if shared.instance_api_version() < vk::API_VERSION_1_1 {
        return None;
    }
    let (instance, device) = (shared.raw_instance(), adapter.raw_physical_device());
    // SAFETY: the physical device is one of this instance, which the guard keeps alive.
    let extensions = unsafe { instance.enumerate_device_extension_properties(device) };
    let tells_budget = extensions.is_ok_and(|extensions| {
        let name = Ok(ash::ext::memory_budget::NAME);
        let mut names = extensions.iter().map(|e| e.extension_name_as_c_str());
        names.any(|known| known == name)
    });
    let mut budget = vk::PhysicalDeviceMemoryBudgetPropertiesEXT::default();
    let mut properties = vk::PhysicalDeviceMemoryProperties2::default();
    if tells_budget {
        properties = properties.push_next(&mut budget);
    }
    // SAFETY: the chain holds structures that the device knows, and Vulkan 1.1 has the call.
    unsafe { instance.get_physical_device_memory_properties2(device, &mut properties) };
    let heaps = properties.memory_properties;
    let count = (heaps.memory_heap_count as usize).min(heaps.memory_heaps.len());
    let on_board = |heap: &usize| {
        let flags = heaps.memory_heaps[*heap].flags;
        flags.contains(vk::MemoryHeapFlags::DEVICE_LOCAL)
    };
    let largest = (0..count)
        .filter(on_board)
        .max_by_key(|&heap| heaps.memory_heaps[heap].size)?;
    let all = heaps.memory_heaps[largest].size;
    if !tells_budget {
        return Some(DeviceMemory::All(all));
    }
    let free = budget.heap_budget[largest].saturating_sub(budget.heap_usage[largest]);
    Some(DeviceMemory::Free(free.min(all)))
}

/// Other systems have other drivers.
#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    windows
)))]
pub(super) fn of(_: &wgpu::Adapter) -> Option<DeviceMemory> {
    None
}
