// SPDX-License-Identifier: BSD-2-Clause
// One of the programs that meet in a managed segment of Boost.Interprocess: boost_segment ROLE NAME
// [NUMBER]. A role whose expectations are not met says so, and ends with 1.

#include <boost/interprocess/allocators/allocator.hpp>
#include <boost/interprocess/containers/map.hpp>
#include <boost/interprocess/containers/string.hpp>
#include <boost/interprocess/containers/vector.hpp>
#include <boost/interprocess/managed_shared_memory.hpp>
#include <boost/interprocess/sync/interprocess_condition.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bip = boost::interprocess;

using manager = bip::managed_shared_memory::segment_manager;
template <typename T> using allocator = bip::allocator<T, manager>;
using numbers = bip::vector<int, allocator<int>>;
using text = bip::basic_string<char, std::char_traits<char>, allocator<char>>;
using entry = std::pair<const int, text>;
using dictionary = bip::map<int, text, std::less<int>, allocator<entry>>;

struct table {
	bip::interprocess_mutex mutex;
	bip::interprocess_condition turned;
	int turn = 0;
};

constexpr int count = 10000;
constexpr int turns = 500;

static void expect(const char *what, bool good)
{
	if (!good)
		throw std::runtime_error(std::string("this is not so: ") + what);
}

static std::string long_text(int i)
{
	return "entry " + std::to_string(i) + std::string(100, 'x');
}

static void create(const char *name, std::size_t size)
{
	bip::managed_shared_memory segment(bip::create_only, name, size);
	manager *const memory = segment.get_segment_manager();
	auto *list = segment.construct<numbers>("numbers")(memory);
	auto *words = segment.construct<dictionary>("words")(std::less<int>(), memory);

	for (int i = 0; i < count; i++)
		list->push_back(i);
	for (int i = 0; i < 100; i++)
		words->emplace(i, text(long_text(i).c_str(), memory));
	segment.construct<table>("table")();
	segment.construct<int>("array")[10](7);
	std::cout << "size " << segment.get_size() << "\n";
}

static void change(const char *name)
{
	bip::managed_shared_memory segment(bip::open_only, name);
	auto *list = segment.find<numbers>("numbers").first;
	auto *words = segment.find<dictionary>("words").first;

	expect("numbers are found", list && list->size() == count);
	for (int &number : *list)
		number *= 2;
	list->push_back(-1);
	expect("words are found", words && words->size() == 100);
	for (int i = 0; i < 100; i++)
		expect("word", words->at(i) == long_text(i).c_str());
	words->erase(50);
	expect("array is found", segment.find<int>("array").second == 10);
	segment.destroy<int>("array");
	expect("missing name is not found", !segment.find<numbers>("missing").first);
	expect("segment is sane", segment.check_sanity());
}

static void look(const char *name)
{
	bip::managed_shared_memory segment(bip::open_read_only, name);
	auto *list = segment.find_no_lock<numbers>("numbers").first;
	auto *words = segment.find_no_lock<dictionary>("words").first;

	expect("numbers are found", list && list->size() == count + 1);
	for (int i = 0; i < count; i++)
		expect("number", (*list)[i] == 2 * i);
	expect("last number", list->back() == -1);
	expect("one word is gone", words && words->size() == 99 && words->count(50) == 0);
	expect("array is gone", !segment.find_no_lock<int>("array").first);
}

// Two programs, 0 and 1, take turns under a mutex and a condition in the segment.
static void take_turns(const char *name, int me)
{
	bip::managed_shared_memory segment(bip::open_only, name);
	auto *shared = segment.find<table>("table").first;

	expect("table is found", shared);
	for (int i = 0; i < turns; i++) {
		bip::scoped_lock<bip::interprocess_mutex> lock(shared->mutex);

		while (shared->turn % 2 != me)
			shared->turned.wait(lock);
		shared->turn++;
		shared->turned.notify_all();
	}
}

static void count_turns(const char *name)
{
	bip::managed_shared_memory segment(bip::open_only, name);

	std::cout << segment.find<table>("table").first->turn << " turns\n";
}

template <typename Action> static bool is_refused(Action action)
{
	try {
		action();
	} catch (const bip::bad_alloc &) {
		return true;
	}
	return false;
}

// The end of the segment is an exception, and what is freed can be had again.
static void fill(const char *name)
{
	bip::managed_shared_memory segment(bip::open_only, name);
	const std::size_t size = segment.get_size(), free_at_first = segment.get_free_memory();
	std::vector<void *> blocks;

	expect("more than all is refused", is_refused([&] { segment.allocate(2 * size); }));
	expect("more than all is nothing", !segment.allocate(2 * size, std::nothrow));
	expect("end is refused", is_refused([&] {
		for (;;) {
			blocks.push_back(segment.allocate(4096));
			std::memset(blocks.back(), 0xa5, 4096);
		}
	}));
	expect("nearly everything was had", blocks.size() * 4096 > free_at_first / 2);
	for (void *block : blocks)
		segment.deallocate(block);
	expect("everything is free again", segment.get_free_memory() == free_at_first);
	expect("segment is sane", segment.check_sanity());
}

static void grow(const char *name, std::size_t more)
{
	expect("segment grows", bip::managed_shared_memory::grow(name, more));
	bip::managed_shared_memory segment(bip::open_only, name);

	void *block = segment.allocate(more / 2);
	std::memset(block, 1, more / 2);
	segment.deallocate(block);
	std::cout << "size " << segment.get_size() << "\n";
}

static void shrink(const char *name)
{
	expect("segment shrinks", bip::managed_shared_memory::shrink_to_fit(name));
	bip::managed_shared_memory segment(bip::open_only, name);

	expect("segment is sane", segment.check_sanity());
}

static void remove_segment(const char *name)
{
	expect("segment is removed", bip::shared_memory_object::remove(name));
	expect("it is gone", !bip::shared_memory_object::remove(name));
}

using action = std::function<void(const char *, std::size_t)>;

static const std::map<std::string, action> roles = {
    {"create", create},
    {"change", [](const char *name, std::size_t) { change(name); }},
    {"look", [](const char *name, std::size_t) { look(name); }},
    {"turns", [](const char *name, std::size_t me) { take_turns(name, static_cast<int>(me)); }},
    {"count", [](const char *name, std::size_t) { count_turns(name); }},
    {"fill", [](const char *name, std::size_t) { fill(name); }},
    {"grow", grow},
    {"shrink", [](const char *name, std::size_t) { shrink(name); }},
    {"remove", [](const char *name, std::size_t) { remove_segment(name); }},
};

int main(int argc, char **argv)
{
	if (argc < 3) {
		std::cerr << "usage: boost_segment ROLE NAME [NUMBER]\n";
		return 2;
	}
	try {
		roles.at(argv[1])(argv[2], argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 0);
	} catch (const bip::interprocess_exception &error) {
		std::cerr << argv[1]
			  << ": interprocess_exception: " << std::strerror(error.get_native_error())
			  << "\n";
		return 1;
	} catch (const std::exception &error) {
		std::cerr << argv[1] << ": " << error.what() << "\n";
		return 1;
	}
	return 0;
}
