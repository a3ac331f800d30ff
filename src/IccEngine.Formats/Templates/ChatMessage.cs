namespace IccEngine.Formats;

/// <summary>One turn of a conversation, as a chat template sees it: <c>message.role</c> and <c>message.content</c>.</summary>
/// <param name="Role">Who speaks: "system", "user", "assistant", or what the template knows besides.</param>
/// <param name="Content">The text.</param>
public sealed record ChatMessage(string Role, string Content);
