namespace IccEngine.Cpu;

/// <summary>
/// Work in independent items. A struct on the caller's stack, so that starting a job allocates nothing; the threads share that one
/// struct and must not change it.
/// </summary>
internal interface IJob
{
    /// <summary>Does one item. Any thread may do any item, in any order; what is computed must not depend on that.</summary>
    void Run(int item);
}
